//! String functions.

pub(crate) mod change;
mod compose;
pub(crate) mod typing;

use crate::engine::error::{Result, error};
use crate::engine::eval::expr::Bound;
use crate::engine::function::argument::{as_int, as_text, expect, integer_of, plain, strict};
use crate::engine::function::string::compose::{
    concat, concat_ws, pattern_index, quotename, replace, str_function, stuff, trim,
};
use crate::engine::function::string::typing::{
    code_page, collation_of, cut, find, supplementary, text_type, units, varying, widest,
};
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match name {
        "LEN" => {
            expect(name, args, 1)?;
            length(&args[0])
        }
        "DATALENGTH" => {
            expect(name, args, 1)?;
            data_length(&args[0])
        }
        "UPPER" | "LOWER" => {
            expect(name, args, 1)?;
            let arg = as_text(&args[0]);
            let upper = name == "UPPER";
            let t = varying(&arg.t);
            strict(vec![arg], t, move |v| Ok(fold_case(&units(&v[0]), upper)))
        }
        "LTRIM" | "RTRIM" | "TRIM" if args.len() == 1 => trim(name, args)?,
        "LEFT" | "RIGHT" => {
            expect(name, args, 2)?;
            edge(args, name == "LEFT")
        }
        "SUBSTRING" => {
            expect(name, args, 3)?;
            substring(args)
        }
        "REPLACE" => {
            expect(name, args, 3)?;
            let texts: Vec<Bound> = args.iter().map(as_text).collect();
            let collation = collation_of(&texts[0], &texts[1])?;
            let t = widest(&texts[0].t);
            strict(texts, t, move |v| {
                Ok(replace(
                    &units(&v[0]),
                    &units(&v[1]),
                    &units(&v[2]),
                    &collation,
                ))
            })
        }
        _ => return bind_other(name, args),
    }))
}

/// Functions of characters and positions, and those that put text together.
fn bind_other(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match name {
        "CHARINDEX" => position(args)?,
        "CHAR" => {
            expect(name, args, 1)?;
            strict(
                vec![as_int(&args[0])],
                text_type(SqlType::Char { length: 1 }),
                |v| {
                    Ok(u8::try_from(integer_of(&v[0])).map_or(Value::Null, |b| {
                        Value::Text(collate::decode(1252, &[b]).into())
                    }))
                },
            )
        }
        "NCHAR" => {
            expect(name, args, 1)?;
            strict(
                vec![as_int(&args[0])],
                text_type(SqlType::NChar { length: 1 }),
                |v| {
                    Ok(u16::try_from(integer_of(&v[0]))
                        .map_or(Value::Null, |u| Value::Text([u].as_slice().into())))
                },
            )
        }
        "UNICODE" => {
            expect(name, args, 1)?;
            strict(vec![as_text(&args[0])], plain(SqlType::Int), |v| {
                Ok(units(&v[0])
                    .first()
                    .map_or(Value::Null, |u| Value::Int(i64::from(*u))))
            })
        }
        "ASCII" => {
            expect(name, args, 1)?;
            let arg = as_text(&args[0]);
            let page = code_page(&arg.t);
            strict(vec![arg], plain(SqlType::Int), move |v| {
                let first = units(&v[0]).first().copied();
                Ok(first.map_or(Value::Null, |u| {
                    Value::Int(i64::from(collate::encode(page, &[u])[0]))
                }))
            })
        }
        "REPLICATE" => {
            expect(name, args, 2)?;
            replicate(args)
        }
        "SPACE" => {
            expect(name, args, 1)?;
            space(&args[0])
        }
        "STR" => str_function(args)?,
        "PATINDEX" => pattern_index(args)?,
        "CONCAT_WS" => concat_ws(args)?,
        "CONCAT" => concat(args)?,
        "QUOTENAME" => quotename(args)?,
        "REVERSE" => {
            expect(name, args, 1)?;
            reverse(&args[0])
        }
        "STUFF" => stuff(args)?,
        _ => return change::bind(name, args),
    }))
}

fn invalid_length(function: &str) -> crate::types::SqlError {
    error(
        537,
        16,
        format!("Invalid length parameter passed to the {function} function."),
    )
}

fn byte_count(v: &Value, unit: i64) -> i64 {
    match v {
        Value::Bytes(b) => b.len() as i64,
        Value::Text(t) => t.len() as i64 * unit,
        _ => 0,
    }
}

fn data_length(arg: &Bound) -> Bound {
    let ty = arg.t.ty.clone();
    let page = code_page(&arg.t);
    let max = datatype::max_length(&ty) == -1;
    strict(
        vec![arg.clone()],
        plain(if max { SqlType::BigInt } else { SqlType::Int }),
        move |v| {
            Ok(Value::Int(match &v[0] {
                Value::Text(t) if datatype::is_unicode(&ty) || ty == SqlType::Xml => {
                    t.len() as i64 * 2
                }
                Value::Text(t) => collate::byte_length(page, t) as i64,
                Value::Bytes(b) => b.len() as i64,
                _ => i64::from(datatype::max_length(&ty)),
            }))
        },
    )
}

/// Upper or lower case, one unit for one; what maps to several stays.
fn fold_case(u: &[u16], upper: bool) -> Value {
    let map = |unit: &u16| -> u16 {
        let Some(c) = char::from_u32(u32::from(*unit)) else {
            return *unit;
        };
        let mut mapped = String::new();
        if upper {
            mapped.extend(c.to_uppercase())
        } else {
            mapped.extend(c.to_lowercase())
        }
        let mut units = mapped.encode_utf16();
        match (units.next(), units.next()) {
            (Some(one), None) => one,
            _ => *unit,
        }
    };
    Value::Text(u.iter().map(map).collect())
}

fn substring(args: &[Bound]) -> Bound {
    let binary = datatype::is_binary(&args[0].t.ty);
    let arg = if binary {
        args[0].clone()
    } else {
        as_text(&args[0])
    };
    let t = if binary {
        plain(SqlType::VarBinary {
            length: datatype::length(&arg.t.ty),
        })
    } else {
        varying(&arg.t)
    };
    strict(vec![arg, as_int(&args[1]), as_int(&args[2])], t, |v| {
        let (start, count) = (integer_of(&v[1]), integer_of(&v[2]));
        if count < 0 {
            return Err(invalid_length("substring"));
        }
        // A start before the first character eats into the count.
        let end = (start - 1).saturating_add(count).max(0) as usize;
        let from = (start - 1).max(0) as usize;
        Ok(match &v[0] {
            Value::Bytes(b) => {
                Value::Bytes(b[from.min(b.len())..end.clamp(from.min(b.len()), b.len())].into())
            }
            other => cut(other, from, end.saturating_sub(from)),
        })
    })
}

/// LEN: characters without trailing blanks.
fn length(arg: &Bound) -> Bound {
    let max = datatype::length(&arg.t.ty).is_none() && datatype::is_text(&arg.t.ty);
    let t = plain(if max { SqlType::BigInt } else { SqlType::Int });
    if datatype::is_binary(&arg.t.ty) {
        return strict(vec![arg.clone()], t, |v| {
            Ok(Value::Int(byte_count(&v[0], 1)))
        });
    }
    let pairs_are_one = arg.t.collation.as_ref().is_some_and(|c| supplementary(c));
    strict(vec![as_text(arg)], t, move |v| {
        let units = units(&v[0]);
        let kept = collate::trim(&units);
        let count = if pairs_are_one {
            char::decode_utf16(kept.iter().copied()).count()
        } else {
            kept.len()
        };
        Ok(Value::Int(count as i64))
    })
}

/// LEFT and RIGHT.
fn edge(args: &[Bound], left: bool) -> Bound {
    let arg = as_text(&args[0]);
    let mut t = varying(&arg.t);
    if let Some(n) = args[1]
        .as_constant()
        .map(integer_of)
        .filter(|n| (1..=4000).contains(n))
        && let SqlType::VarChar { length: Some(l) } | SqlType::NVarChar { length: Some(l) } =
            &mut t.ty
    {
        *l = (*l).min(n as u16);
    }
    strict(vec![arg, as_int(&args[1])], t, move |v| {
        let n = usize::try_from(integer_of(&v[1]))
            .map_err(|_| invalid_length(if left { "left" } else { "right" }))?;
        let len = units(&v[0]).len();
        Ok(if left {
            cut(&v[0], 0, n)
        } else {
            cut(&v[0], len.saturating_sub(n), n)
        })
    })
}

/// REPLICATE.
fn replicate(args: &[Bound]) -> Bound {
    let arg = as_text(&args[0]);
    let t = widest(&arg.t);
    let most = match t.ty {
        SqlType::NVarChar { length: Some(n) } | SqlType::VarChar { length: Some(n) } => {
            usize::from(n)
        }
        _ => usize::MAX,
    };
    strict(vec![arg, as_int(&args[1])], t, move |v| {
        let Ok(n) = usize::try_from(integer_of(&v[1])) else {
            return Ok(Value::Null);
        };
        let piece = units(&v[0]);
        if piece.len().saturating_mul(n) > 1 << 30 && most == usize::MAX {
            return Err(error(
                701,
                17,
                "There is insufficient system memory to run this query.",
            ));
        }
        let all: Vec<u16> = piece
            .iter()
            .copied()
            .cycle()
            .take(piece.len().saturating_mul(n).min(most))
            .collect();
        Ok(Value::Text(all.into()))
    })
}

/// CHARINDEX.
fn position(args: &[Bound]) -> Result<Bound> {
    let (pattern, subject) = match args {
        [p, s] | [p, s, _] => (as_text(p), as_text(s)),
        _ => return Err(crate::engine::error::argument_count("CHARINDEX", 2)),
    };
    let collation = collation_of(&subject, &pattern)?;
    let start = args
        .get(2)
        .map_or(crate::engine::function::argument::int(1), as_int);
    Ok(strict(
        vec![pattern, subject, start],
        plain(SqlType::Int),
        move |v| {
            let from = usize::try_from(integer_of(&v[2]) - 1).unwrap_or(0);
            let found = find(&units(&v[1]), &units(&v[0]), from, &collation);
            Ok(Value::Int(found.map_or(0, |(i, _)| i as i64 + 1)))
        },
    ))
}

/// SPACE.
fn space(count: &Bound) -> Bound {
    strict(
        vec![as_int(count)],
        text_type(SqlType::VarChar { length: Some(8000) }),
        |v| {
            let n = usize::try_from(integer_of(&v[0])).unwrap_or(0).min(8000);
            Ok(Value::Text(vec![0x20; n].into()))
        },
    )
}

/// REVERSE.
fn reverse(arg: &Bound) -> Bound {
    let arg = as_text(arg);
    let t = varying(&arg.t);
    strict(vec![arg], t, |v| {
        Ok(Value::Text(units(&v[0]).iter().rev().copied().collect()))
    })
}
