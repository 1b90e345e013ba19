//! TRANSLATE, STRING_ESCAPE, PARSENAME, TRIM of given characters, and GREATEST and LEAST.

use crate::engine::error::{Result, argument_count, error};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::types::{comparison, convert_to, union_type};
use crate::engine::function::argument::{as_int, as_text, expect, integer_of, strict, units_of};
use crate::engine::function::string::typing::{
    collation_of, find, text_type, units, varying, widest,
};
use crate::engine::value::compare::Comparison;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match name {
        "TRANSLATE" => translate(args)?,
        "STRING_ESCAPE" => {
            expect(name, args, 2)?;
            let mut t = text_type(SqlType::NVarChar { length: None });
            t.collation = args[0].t.collation.clone().or(t.collation);
            strict(vec![as_text(&args[0]), as_text(&args[1])], t, |v| {
                if !units_of(&v[1]).eq_ignore_ascii_case("json") {
                    return Err(error(
                        13626,
                        16,
                        "An invalid value was specified for argument 2.",
                    ));
                }
                Ok(text::value(&escaped(&units_of(&v[0]))))
            })
        }
        "PARSENAME" => {
            expect(name, args, 2)?;
            let t = text_type(SqlType::NVarChar { length: Some(128) });
            strict(vec![as_text(&args[0]), as_int(&args[1])], t, |v| {
                let part = name_part(&units_of(&v[0]), integer_of(&v[1]));
                Ok(part.map_or(Value::Null, |p| text::value(&p)))
            })
        }
        "LTRIM" | "RTRIM" | "TRIM" if args.len() == 2 => {
            let (left, right) = (name != "RTRIM", name != "LTRIM");
            trim_of(&args[0], &args[1], (left, right))?
        }
        "GREATEST" | "LEAST" => extreme(name, args)?,
        _ => return Ok(None),
    }))
}

/// Each character of the second text becomes the one at its place in the third.
fn translate(args: &[Bound]) -> Result<Bound> {
    expect("TRANSLATE", args, 3)?;
    let texts: Vec<Bound> = args.iter().map(as_text).collect();
    let collation = collation_of(&texts[0], &texts[1])?;
    let t = widest(&texts[0].t);
    Ok(strict(texts, t, move |v| {
        let (subject, from, to) = (units(&v[0]), units(&v[1]), units(&v[2]));
        if from.len() != to.len() {
            return Err(error(
                9828,
                16,
                "The second and third arguments of the TRANSLATE built-in function must contain an equal number of characters.",
            ));
        }
        let changed = subject.iter().map(|unit| {
            let found = find(&from, &[*unit], 0, &collation);
            found.map_or(*unit, |(at, _)| to[at])
        });
        Ok(Value::Text(changed.collect()))
    }))
}

/// "STRING_ESCAPE", the escapes of JSON.
fn escaped(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    for c in subject.chars() {
        match c {
            '"' | '\\' | '/' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The n-th part of a dotted name from its end; NULL where there is none, and of no name.
fn name_part(name: &str, nth: i64) -> Option<String> {
    let mut parts = vec![String::new()];
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.last_mut()?;
        match c {
            '.' => parts.push(String::new()),
            '[' | '"' if last.is_empty() => {
                let close = if c == '[' { ']' } else { '"' };
                loop {
                    let inner = chars.next()?;
                    if inner == close && chars.peek() == Some(&close) {
                        chars.next();
                    } else if inner == close {
                        break;
                    }
                    last.push(inner);
                }
            }
            c => last.push(c),
        }
    }
    if parts.len() > 4 || parts.iter().any(|p| p.encode_utf16().count() > 128) {
        return None;
    }
    let at = usize::try_from(nth - 1).ok().filter(|at| *at < 4)?;
    let found = parts.into_iter().rev().nth(at)?;
    (!found.is_empty()).then_some(found)
}

/// The characters of `set`, from the sides that are asked for.
pub(crate) fn trim_of(subject: &Bound, set: &Bound, (left, right): (bool, bool)) -> Result<Bound> {
    let (subject, set) = (as_text(subject), as_text(set));
    let collation = collation_of(&subject, &set)?;
    let t = varying(&subject.t);
    Ok(strict(vec![subject, set], t, move |v| {
        let (subject, set) = (units(&v[0]), units(&v[1]));
        let listed = |unit: &u16| find(&set, &[*unit], 0, &collation).is_some();
        let mut kept: &[u16] = &subject;
        while let (true, Some((first, rest))) = (left, kept.split_first()) {
            if !listed(first) {
                break;
            }
            kept = rest;
        }
        while let (true, Some((last, rest))) = (right, kept.split_last()) {
            if !listed(last) {
                break;
            }
            kept = rest;
        }
        Ok(Value::Text(kept.into()))
    }))
}

/// The greatest or least of the arguments that are not NULL, in the type of the highest precedence.
fn extreme(name: &str, args: &[Bound]) -> Result<Bound> {
    let [first, others @ ..] = args else {
        return Err(argument_count(name, 1));
    };
    let types = args.iter();
    let t = union_type(types.map(|a| (&a.t, matches!(a.as_constant(), Some(Value::Null)))))?;
    let op = if name == "GREATEST" {
        Comparison::Gt
    } else {
        Comparison::Lt
    };
    let mut best = convert_to(first.clone(), &t.ty);
    for other in others {
        let other = convert_to(other.clone(), &t.ty);
        let better = comparison(op, other.clone(), best.clone())?;
        let null = Bound::predicate(Kind::IsNull(Box::new(best.clone())));
        let takes = Bound::predicate(Kind::Or(Box::new(better), Box::new(null)));
        best = Bound {
            kind: Kind::Case {
                whens: vec![(takes, other)],
                otherwise: Some(Box::new(best)),
            },
            t: t.clone(),
        };
    }
    best.t = t;
    Ok(best)
}
