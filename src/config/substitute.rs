//! `${VAR}`, `${VAR:-default}` and `${file:/path}` in values.
//!
//! Works on the parsed tree, not on the text: a password with `: ` or a quote in it stays one
//! value. What came from outside is marked and never shown. `$${` stands for a literal `${`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;

use zeroize::Zeroizing;

use crate::config::problem::{MAX_PROBLEMS, Problem};
use crate::config::yaml::{Node, Scalar, Value};

/// Looks up an environment variable; `&|name| std::env::var_os(name)` outside of tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A secret is a line or a key file, not a disk image.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// All values with references, after they were replaced: one file named everywhere stays bounded.
const MAX_REPLACED: usize = 16 * 1024 * 1024;

/// Replaces every reference below `node`, and reports every one that cannot be replaced.
/// A value that cannot be filled in becomes empty and counts as substituted, so that nothing more
/// is said of it.
pub(crate) fn substitute(node: &mut Node, env: Lookup<'_>, problems: &mut Vec<Problem>) {
    let mut replaced = 0;
    walk(
        node,
        "",
        &mut |scalar| bounded(scalar, env, &mut replaced),
        problems,
    );
}

/// Refuses once the replaced values together are longer than allowed, the one that crosses it
/// included.
fn bounded(scalar: &mut Scalar, env: Lookup<'_>, replaced: &mut usize) -> Result<(), String> {
    if *replaced <= MAX_REPLACED {
        replace(scalar, env)?;
        *replaced += if scalar.substituted {
            scalar.text.len()
        } else {
            0
        };
    }
    if *replaced <= MAX_REPLACED {
        return Ok(());
    }
    Err(format!(
        "the values that `${{...}}` stand for are longer than {MAX_REPLACED} bytes together"
    ))
}

/// `path` is that of `node` in the words of a problem, as `tables.include[2]`.
fn walk(
    node: &mut Node,
    path: &str,
    replace: &mut dyn FnMut(&mut Scalar) -> Result<(), String>,
    problems: &mut Vec<Problem>,
) {
    match &mut node.value {
        Value::Scalar(scalar) => {
            if problems.len() >= MAX_PROBLEMS {
                return;
            }
            if let Err(message) = replace(scalar) {
                problems.push(Problem::at(node.at, path, message));
                // Nothing more can be said of a value that is not known.
                scalar.text.clear();
                scalar.substituted = true;
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &format!("{path}[{index}]"), replace, problems);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let path = join(path, &entry.key);
                walk(&mut entry.node, &path, replace, problems);
            }
        }
    }
}

/// `path.key`; the key alone at the top.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// References are not nested: a value that was filled in is not looked through again.
fn replace(scalar: &mut Scalar, env: Lookup<'_>) -> Result<(), String> {
    if !scalar.text.contains("${") {
        return Ok(());
    }
    let text = std::mem::take(&mut scalar.text);
    let mut rest = text.as_str();
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        if let Some(escaped) = before.strip_suffix('$') {
            scalar.text.push_str(escaped);
            scalar.text.push_str("${");
            rest = &reference[2..];
            continue;
        }
        scalar.text.push_str(before);
        let end = reference
            .find('}')
            .ok_or("`${` without `}`; write `$${` for a literal one")?;
        scalar
            .text
            .push_str(&Zeroizing::new(resolve(&reference[2..end], env)?));
        scalar.substituted = true;
        rest = &reference[end + 1..];
    }
    scalar.text.push_str(rest);
    Ok(())
}

/// The value of what stands between the braces.
fn resolve(reference: &str, env: Lookup<'_>) -> Result<String, String> {
    if let Some(path) = reference.strip_prefix("file:") {
        return read_file(path);
    }
    if reference.starts_with("command:") {
        return Err(
            "`${command:...}` is not a reference: `password_command` is the key for a command that prints a \
             password"
                .to_owned(),
        );
    }
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        return Err(
            "`${...}` holds no variable name; `${VAR}`, `${VAR:-default}` and \
                    `${file:/path}` are known"
                .to_owned(),
        );
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(format!("the default of `{name}` cannot hold another `${{`"));
    }
    let value = match env(name) {
        None => None,
        Some(value) => Some(
            value
                .into_string()
                .map_err(|_| format!("environment variable `{name}` is not UTF-8"))?,
        ),
    };
    // As in a shell: `:-` also replaces an empty value.
    match (value, default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("environment variable `{name}` is not set")),
    }
}

/// A name as POSIX has it for environment variables: letters, digits and `_`, no digit first.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The file's text without its last line end, which editors and `echo` add.
fn read_file(path: &str) -> Result<String, String> {
    let failed = |cause: std::io::Error| format!("cannot read `{path}`: {cause}");
    let mut text = String::new();
    File::open(path)
        .map_err(failed)?
        .take(MAX_SECRET_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_SECRET_FILE {
        return Err(format!("`{path}` is longer than {MAX_SECRET_FILE} bytes"));
    }
    let without = text.strip_suffix('\n').unwrap_or(&text);
    Ok(without.strip_suffix('\r').unwrap_or(without).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::parse;

    fn env(name: &str) -> Option<OsString> {
        match name {
            "USER_NAME" => Some("sa".into()),
            "EMPTY" => Some("".into()),
            "NASTY" => Some("a: \"b\"\n- c # ${USER_NAME}".into()),
            _ => None,
        }
    }

    fn substituted(text: &str) -> Result<String, Vec<Problem>> {
        let mut node = parse(&format!("k: {text}\n")).unwrap();
        let mut problems = Vec::new();
        substitute(&mut node, &env, &mut problems);
        let Value::Mapping(entries) = node.value else {
            panic!("not a mapping")
        };
        match &entries[0].node.value {
            Value::Scalar(scalar) if problems.is_empty() => Ok(scalar.text.clone()),
            _ => Err(problems),
        }
    }

    #[test]
    fn references_are_replaced_where_they_stand() {
        for (text, expected) in [
            ("${USER_NAME}", "sa"),
            ("x-${USER_NAME}-${USER_NAME}", "x-sa-sa"),
            ("${MISSING:-fall back}", "fall back"),
            ("${EMPTY:-fall back}", "fall back"),
            ("${EMPTY}", ""),
            ("${MISSING:-}", ""),
            ("$${USER_NAME}", "${USER_NAME}"),
            ("cost $5 {x}", "cost $5 {x}"),
        ] {
            assert_eq!(substituted(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_cannot_change_the_structure_and_is_not_read_again() {
        assert_eq!(
            substituted("${NASTY}").unwrap(),
            "a: \"b\"\n- c # ${USER_NAME}"
        );
    }

    #[test]
    fn what_cannot_be_replaced_says_where_and_why() {
        for (text, message) in [
            ("${MISSING}", "`MISSING` is not set"),
            ("'${USER_NAME'", "without `}`"),
            ("${}", "no variable name"),
            ("'${command:pass show db}'", "`password_command` is the key"),
            ("${1X}", "no variable name"),
            ("'${A:-${B}}'", "another `${`"),
            ("${file:/nonexistent/x}", "cannot read `/nonexistent/x`"),
        ] {
            let problems = substituted(text).unwrap_err();
            assert!(
                problems[0].message.contains(message),
                "{text}: {}",
                problems[0]
            );
            assert_eq!(problems[0].key, "k");
        }
    }

    #[test]
    fn values_from_outside_are_bounded_together() {
        let long = "x".repeat(100_000);
        let env = |name: &str| (name == "LONG").then(|| OsString::from(&long));
        let mut node = parse(&"- ${LONG}\n".repeat(50_000)).unwrap();
        let mut problems = Vec::new();
        substitute(&mut node, &env, &mut problems);
        assert!(problems[0].message.contains("together"), "{}", problems[0]);
        assert!(problems.len() <= MAX_PROBLEMS);
        let Value::Sequence(items) = &node.value else {
            panic!("not a list")
        };
        let kept = items.iter().map(|item| match &item.value {
            Value::Scalar(scalar) => scalar.text.len(),
            _ => 0,
        });
        assert!(kept.sum::<usize>() <= MAX_REPLACED + 50_000 * "${LONG}".len());
    }

    #[test]
    fn a_file_loses_one_line_end() {
        let path = std::env::temp_dir().join(format!("migrate-secret-{}", std::process::id()));
        std::fs::write(&path, "s3cret \r\n").unwrap();
        let text = substituted(&format!("${{file:{}}}", path.display()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text.unwrap(), "s3cret ");
    }
}
