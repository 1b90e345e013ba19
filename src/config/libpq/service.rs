//! libpq's service file, `pg_service.conf`: parameters by the name of a service.
//!
//! PostgreSQL documentation, "The Connection Service File", 34.17.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::libpq::file;
use crate::config::libpq::uri::Parameters;
use crate::config::substitute::Lookup;

/// The parameters of a service: from `PGSERVICEFILE`, or `~/.pg_service.conf`, else from `pg_service.conf` in
/// `PGSYSCONFDIR`.
///
/// # Errors
/// No file has the service, or a file is not right.
pub(super) fn parameters(service: &str, env: Lookup<'_>) -> Result<Parameters, String> {
    let files = files(env);
    for path in &files {
        if !path.is_file() {
            continue;
        }
        let text = file::read(path)?;
        let found = section(&text, service)
            .map_err(|(line, what)| format!("{}, line {line}: {what}", path.display()))?;
        if let Some(parameters) = found {
            return Ok(parameters);
        }
    }
    let shown: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(format!(
        "service `{service}` is not in {}",
        if shown.is_empty() {
            "any file: PGSERVICEFILE names one".to_owned()
        } else {
            shown.join(" or ")
        }
    ))
}

fn files(env: Lookup<'_>) -> Vec<PathBuf> {
    let set = |name: &str| {
        let value = env(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let own = set("PGSERVICEFILE").or_else(|| Some(set("HOME")?.join(".pg_service.conf")));
    let system = set("PGSYSCONFDIR").map(|folder| folder.join("pg_service.conf"));
    own.into_iter().chain(system).collect()
}

/// The lines `name=value` below `[service]`, the first such section; `None` if there is none.
fn section(text: &str, service: &str) -> Result<Option<Parameters>, (usize, &'static str)> {
    let mut found = None;
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| (index + 1, what);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let name = name.strip_suffix(']');
            let name = name.ok_or_else(|| wrong("has a bracket that is not closed"))?;
            found = (name == service).then(Parameters::new);
            continue;
        }
        let Some(parameters) = &mut found else {
            continue;
        };
        if line.starts_with("ldap") {
            return Err(wrong("a service that LDAP describes is not supported"));
        }
        let pair = line.split_once('=');
        let (name, value) = pair.ok_or_else(|| wrong("has no `=`"))?;
        if name == "service" {
            return Err(wrong("a service cannot name another one"));
        }
        parameters.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    const FILE: &str = "\
# comment
host=stray

[shop]
host=pg01
port=5433
password=s3cret = x

[other]
host=pg02
[broken]
host
[ldap]
ldap://x/y
[self]
service=shop
";

    fn shown(service: &str) -> Result<Option<Vec<String>>, (usize, &'static str)> {
        let found = section(FILE, service)?;
        Ok(found.map(|parameters| {
            let pairs = parameters.iter();
            pairs
                .map(|(name, value)| format!("{name}={}", value.as_str()))
                .collect()
        }))
    }

    #[test]
    fn the_lines_of_a_section_are_its_parameters() {
        let shop = ["host=pg01", "port=5433", "password=s3cret = x"];
        assert_eq!(shown("shop").unwrap().unwrap(), shop);
        assert_eq!(shown("other").unwrap().unwrap(), ["host=pg02"]);
        assert_eq!(shown("missing"), Ok(None));
        for (service, line) in [("broken", 12), ("ldap", 14), ("self", 16)] {
            assert_eq!(shown(service).unwrap_err().0, line, "{service}");
        }
    }

    #[test]
    fn the_users_file_comes_before_the_systems() {
        let folder = std::env::temp_dir().join(format!("migrate-service-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("etc")).unwrap();
        std::fs::write(folder.join(".pg_service.conf"), "[a]\nhost=own\n").unwrap();
        let system = "[a]\nhost=system\n[b]\nhost=system\n";
        std::fs::write(folder.join("etc/pg_service.conf"), system).unwrap();
        let env = |name: &str| match name {
            "HOME" => Some(OsString::from(&folder)),
            "PGSYSCONFDIR" => Some(folder.join("etc").into()),
            _ => None,
        };
        let host = |service: &str| {
            let found = parameters(service, &env)?;
            Ok::<_, String>(found[0].1.to_string())
        };
        assert_eq!(host("a").as_deref(), Ok("own"));
        assert_eq!(host("b").as_deref(), Ok("system"));
        let missing = host("c").unwrap_err();
        assert!(
            missing.contains("`c` is not in") && missing.contains("etc/pg_service.conf"),
            "{missing}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
