//! Functions that put texts together: STR, CONCAT, QUOTENAME, REPLACE, TRIM.

use std::sync::Arc;

use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{
    as_int, as_text, expect, integer_of, plain, strict, units_of,
};
use crate::engine::function::string::typing::{
    collation_of, find, text_type, units, varying, widest,
};
use crate::engine::value::{decimal, text};
use crate::engine::{collate, datatype};
use crate::types::{Collation, SqlType, Value};

pub(super) fn trim(name: &str, args: &[Bound]) -> Result<Bound> {
    expect(name, args, 1)?;
    let arg = as_text(&args[0]);
    let t = varying(&arg.t);
    let (left, right) = (name != "RTRIM", name != "LTRIM");
    Ok(strict(vec![arg], t, move |v| {
        let u = units(&v[0]);
        let mut kept: &[u16] = &u;
        if right {
            kept = collate::trim(kept);
        }
        while left && kept.first() == Some(&0x20) {
            kept = &kept[1..];
        }
        Ok(Value::Text(kept.into()))
    }))
}

pub(super) fn replace(
    subject: &[u16],
    pattern: &[u16],
    by: &[u16],
    collation: &Collation,
) -> Value {
    let mut out = Vec::with_capacity(subject.len());
    let mut at = 0;
    while let Some((found, n)) = find(subject, pattern, at, collation) {
        out.extend_from_slice(&subject[at..found]);
        out.extend_from_slice(by);
        at = found + n;
    }
    out.extend_from_slice(&subject[at..]);
    Value::Text(out.into())
}

/// `STR(float [, length [, decimals]])`: right-aligned, `*` when it does not fit.
pub(super) fn str_function(args: &[Bound]) -> Result<Bound> {
    let number = |i: usize, default: i64| {
        args.get(i)
            .and_then(Bound::as_constant)
            .map_or(default, integer_of)
    };
    let Some(first) = args.first() else {
        return Err(crate::engine::error::argument_count("STR", 1));
    };
    let (length, places) = (
        number(1, 10).clamp(1, 8000) as usize,
        number(2, 0).clamp(0, 16) as u8,
    );
    let t = text_type(SqlType::VarChar {
        length: Some(length as u16),
    });
    Ok(strict(
        vec![convert_to(first.clone(), &SqlType::Float)],
        t,
        move |v| {
            let Value::Float(f) = v[0] else {
                return Ok(Value::Null);
            };
            let rounded = decimal::from_f64(f, 17.min(places + 2))
                .map(|u| decimal::round_off(u, 17.min(places + 2) - places));
            let shown = rounded.map_or_else(
                || format!("{f:.*}", usize::from(places)),
                |u| decimal::to_text(u, places),
            );
            let whole = shown.split('.').next().unwrap_or_default().len();
            let fitted = if whole > length {
                "*".repeat(length)
            } else {
                format!(
                    "{:>length$}",
                    shown.chars().take(length).collect::<String>()
                )
            };
            Ok(text::value(&fitted))
        },
    ))
}

pub(super) fn concat(args: &[Bound]) -> Result<Bound> {
    if args.len() < 2 {
        return Err(crate::engine::error::argument_count("CONCAT", 2));
    }
    let ty = concat_type(args, 0);
    let collation = args
        .iter()
        .find_map(|a| a.t.collation.clone())
        .unwrap_or_else(collate::default_collation);
    let t = Ty {
        ty: ty.clone(),
        nullable: false,
        collation: Some(collation),
        rank: args.iter().map(|a| a.t.rank).max().unwrap_or(0),
    };
    let texts = args
        .iter()
        .map(|a| convert_to(a.clone(), &longest(&ty)))
        .collect();
    // NULL counts as empty here, so the call is not strict.
    let call = Arc::new(|v: &[Value]| {
        Ok(Value::Text(
            v.iter().flat_map(|p| units(p).to_vec()).collect(),
        ))
    });
    Ok(Bound {
        kind: Kind::Call(call, texts),
        t,
    })
}

/// What each argument is converted to: not cut to the length of them all.
fn longest(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::NVarChar { length: Some(_) } => SqlType::NVarChar { length: Some(4000) },
        SqlType::VarChar { length: Some(_) } => SqlType::VarChar { length: Some(8000) },
        other => other.clone(),
    }
}

/// "CONCAT", return types: the lengths together, of an int 12 and of a float 32. What else is no text
/// has a length that is not documented, and the longest type here. `more` is what comes in between.
fn concat_type(args: &[Bound], more: u32) -> SqlType {
    let unicode = args.iter().any(|a| datatype::is_unicode(&a.t.ty));
    let max = args
        .iter()
        .any(|a| datatype::is_text(&a.t.ty) && datatype::length(&a.t.ty).is_none());
    let length = |a: &Bound| match &a.t.ty {
        _ if matches!(a.as_constant(), Some(Value::Null)) => 0,
        SqlType::Int => 12,
        SqlType::Float => 32,
        ty if datatype::is_text(ty) => u32::from(datatype::length(ty).unwrap_or(0)),
        _ => 8000,
    };
    let most = if unicode { 4000 } else { 8000 };
    let total = args.iter().map(length).fold(more, u32::saturating_add);
    let length = (!max).then_some(total.clamp(1, most) as u16);
    if unicode {
        SqlType::NVarChar { length }
    } else {
        SqlType::VarChar { length }
    }
}

pub(super) fn quotename(args: &[Bound]) -> Result<Bound> {
    let quote = match args {
        [_] => "[".to_owned(),
        [_, q] => q.as_constant().map(units_of).unwrap_or_default(),
        _ => return Err(crate::engine::error::argument_count("QUOTENAME", 1)),
    };
    let (open, close) = match quote.as_str() {
        "[" | "]" => ('[', ']'),
        "'" => ('\'', '\''),
        "\"" => ('"', '"'),
        "(" | ")" => ('(', ')'),
        _ => {
            return Ok(Bound::constant(
                Value::Null,
                SqlType::NVarChar { length: Some(258) },
            ));
        }
    };
    let t = text_type(SqlType::NVarChar { length: Some(258) });
    Ok(strict(vec![as_text(&args[0])], t, move |v| {
        let u = units(&v[0]);
        if u.len() > 128 {
            return Ok(Value::Null);
        }
        let mut quoted = vec![open as u16];
        for unit in u.iter() {
            quoted.push(*unit);
            if *unit == close as u16 {
                quoted.push(*unit);
            }
        }
        quoted.push(close as u16);
        Ok(Value::Text(quoted.into()))
    }))
}

/// `STUFF(text, start, length, by)`; only `by` may be NULL, which then puts nothing in.
pub(super) fn stuff(args: &[Bound]) -> Result<Bound> {
    expect("STUFF", args, 4)?;
    let t = widest(&as_text(&args[0]).t);
    let values = vec![
        as_text(&args[0]),
        as_int(&args[1]),
        as_int(&args[2]),
        as_text(&args[3]),
    ];
    let call = Arc::new(|v: &[Value]| {
        if v[..3].iter().any(|v| matches!(v, Value::Null)) {
            return Ok(Value::Null);
        }
        let u = units(&v[0]);
        let start = usize::try_from(integer_of(&v[1]) - 1).ok();
        let (Some(from), Ok(count)) = (
            start.filter(|f| *f < u.len()),
            usize::try_from(integer_of(&v[2])),
        ) else {
            return Ok(Value::Null);
        };
        let end = from.saturating_add(count).min(u.len());
        Ok(Value::Text(
            [&u[..from], &units(&v[3]), &u[end..]].concat().into(),
        ))
    });
    Ok(Bound {
        kind: Kind::Call(call, values),
        t,
    })
}

/// `PATINDEX(pattern, text)`: where the first match begins, from 1; 0 without one.
pub(super) fn pattern_index(args: &[Bound]) -> Result<Bound> {
    expect("PATINDEX", args, 2)?;
    let (pattern, subject) = (as_text(&args[0]), as_text(&args[1]));
    let collation = collation_of(&subject, &pattern)?;
    let max = datatype::length(&subject.t.ty).is_none();
    let t = plain(if max { SqlType::BigInt } else { SqlType::Int });
    Ok(strict(vec![pattern, subject], t, move |v| {
        let (pattern, subject) = (units(&v[0]), units(&v[1]));
        let percent = u16::from(b'%');
        let found = match pattern.strip_prefix(&[percent]) {
            Some(rest) => {
                (0..=subject.len()).find(|i| text::like(&subject[*i..], rest, None, &collation))
            }
            None => text::like(&subject, &pattern, None, &collation).then_some(0),
        };
        Ok(Value::Int(found.map_or(0, |i| i as i64 + 1)))
    }))
}

/// `CONCAT_WS(separator, ...)`: NULL arguments are left out, a NULL separator is empty.
pub(super) fn concat_ws(args: &[Bound]) -> Result<Bound> {
    if args.len() < 3 {
        return Err(crate::engine::error::argument_count("CONCAT_WS", 3));
    }
    let separators = u32::from(datatype::length(&args[0].t.ty).unwrap_or(0));
    let between = (args.len() as u32 - 3).saturating_mul(separators);
    let t = Ty {
        ty: concat_type(args, between),
        ..concat(args)?.t
    };
    let ty = t.ty.clone();
    let texts = args
        .iter()
        .map(|a| convert_to(a.clone(), &longest(&ty)))
        .collect();
    let call = Arc::new(|v: &[Value]| {
        let separator = units(&v[0]);
        let given: Vec<_> = v[1..]
            .iter()
            .filter(|p| !matches!(p, Value::Null))
            .map(units)
            .collect();
        let mut out = Vec::new();
        for (nth, piece) in given.iter().enumerate() {
            if nth > 0 {
                out.extend_from_slice(&separator);
            }
            out.extend_from_slice(piece);
        }
        Ok(Value::Text(out.into()))
    });
    Ok(Bound {
        kind: Kind::Call(call, texts),
        t,
    })
}
