//! Mathematical functions.

use crate::engine::datatype::{self, is_integer, is_text};
use crate::engine::error::{Result, error, overflow};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{as_int, expect, integer_of, plain, strict};
use crate::engine::value::decimal;
use crate::types::{SqlType, Value};

/// Text counts as float, small integers as int.
fn numeric(arg: &Bound) -> Bound {
    match &arg.t.ty {
        t if is_text(t) => convert_to(arg.clone(), &SqlType::Float),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Bit => {
            convert_to(arg.clone(), &SqlType::Int)
        }
        SqlType::Real => convert_to(arg.clone(), &SqlType::Float),
        SqlType::SmallMoney => convert_to(arg.clone(), &SqlType::Money),
        _ => arg.clone(),
    }
}

fn floats(args: &[Bound]) -> Vec<Bound> {
    args.iter()
        .map(|a| convert_to(a.clone(), &SqlType::Float))
        .collect()
}

fn float(v: &Value) -> f64 {
    match v {
        Value::Float(f) => *f,
        _ => f64::NAN,
    }
}

fn finite(f: f64) -> Result<Value> {
    if f.is_nan() {
        return Err(error(
            3623,
            16,
            "An invalid floating point operation occurred.",
        ));
    }
    if f.is_finite() {
        Ok(Value::Float(f))
    } else {
        Err(overflow("float"))
    }
}

pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match name {
        "ABS" | "SIGN" => {
            expect(name, args, 1)?;
            let arg = numeric(&args[0]);
            let t = Ty {
                nullable: true,
                ..arg.t.clone()
            };
            let (sign, ty) = (name == "SIGN", t.ty.clone());
            strict(vec![arg], t, move |v| absolute(&v[0], sign, &ty))
        }
        "FLOOR" | "CEILING" => {
            expect(name, args, 1)?;
            let arg = numeric(&args[0]);
            let mut t = Ty {
                nullable: true,
                ..arg.t.clone()
            };
            if let SqlType::Decimal { scale, .. } = &mut t.ty {
                *scale = 0;
            }
            let up = name == "CEILING";
            strict(vec![arg], t, move |v| Ok(whole(&v[0], up)))
        }
        "ROUND" => round(args)?,
        "POWER" => {
            expect(name, args, 2)?;
            // "POWER (Transact-SQL)": decimal(p,s) gives decimal(38,s), bit and text give float.
            let ty = match numeric(&args[0]).t.ty {
                _ if args[0].t.ty == SqlType::Bit => SqlType::Float,
                SqlType::Decimal { scale, .. } => SqlType::Decimal {
                    precision: 38,
                    scale,
                },
                other => other,
            };
            let result = convert_after(ty.clone());
            strict(floats(args), plain(ty), move |v| {
                result(finite(float(&v[0]).powf(float(&v[1])))?)
            })
        }
        "LOG" if args.len() == 2 => strict(floats(args), plain(SqlType::Float), |v| {
            finite(float(&v[0]).ln() / float(&v[1]).ln())
        }),
        "SQRT" | "EXP" | "LOG" | "LOG10" | "SQUARE" => {
            expect(name, args, 1)?;
            let f = match name {
                "SQRT" => f64::sqrt,
                "EXP" => f64::exp,
                "LOG" => f64::ln,
                "LOG10" => f64::log10,
                _ => |x: f64| x * x,
            };
            strict(floats(args), plain(SqlType::Float), move |v| {
                finite(f(float(&v[0])))
            })
        }
        "PI" => Bound::constant(Value::Float(std::f64::consts::PI), SqlType::Float),
        _ => return of_angles(name, args),
    }))
}

/// Trigonometry ("Mathematical Functions"); DEGREES and RADIANS keep the type of their argument, so
/// that they are left out but for floats.
fn of_angles(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    let f: fn(f64) -> f64 = match name {
        "SIN" => f64::sin,
        "COS" => f64::cos,
        "TAN" => f64::tan,
        "COT" => |x| 1.0 / x.tan(),
        "ASIN" => f64::asin,
        "ACOS" => f64::acos,
        "ATAN" => f64::atan,
        "DEGREES" if args.first().is_some_and(|a| a.t.ty == SqlType::Float) => f64::to_degrees,
        "RADIANS" if args.first().is_some_and(|a| a.t.ty == SqlType::Float) => f64::to_radians,
        "ATN2" => {
            expect(name, args, 2)?;
            let call = strict(floats(args), plain(SqlType::Float), |v| {
                finite(float(&v[0]).atan2(float(&v[1])))
            });
            return Ok(Some(call));
        }
        _ => return Ok(None),
    };
    expect(name, args, 1)?;
    let call = strict(floats(args), plain(SqlType::Float), move |v| {
        finite(f(float(&v[0])))
    });
    Ok(Some(call))
}

fn convert_after(ty: SqlType) -> impl Fn(Value) -> Result<Value> + Send + Sync {
    move |v| crate::engine::value::convert::convert(&v, &SqlType::Float, &ty, Default::default())
}

fn absolute(v: &Value, sign: bool, ty: &SqlType) -> Result<Value> {
    Ok(match v {
        Value::Int(i) if sign => Value::Int(i.signum()),
        Value::Int(i) => {
            let absolute = i
                .checked_abs()
                .filter(|a| *ty != SqlType::Int || i32::try_from(*a).is_ok());
            Value::Int(absolute.ok_or_else(|| overflow(datatype::name(ty)))?)
        }
        Value::Decimal { unscaled, scale } => {
            let value = if sign {
                unscaled.signum() * decimal::pow10(*scale)
            } else {
                unscaled.abs()
            };
            Value::Decimal {
                unscaled: value,
                scale: *scale,
            }
        }
        Value::Money(m) if sign => Value::Money(m.signum() * 10_000),
        Value::Money(m) => Value::Money(m.checked_abs().ok_or_else(|| overflow("money"))?),
        Value::Float(f) if sign => Value::Float(if *f == 0.0 { 0.0 } else { f.signum() }),
        Value::Float(f) => Value::Float(f.abs()),
        other => other.clone(),
    })
}

fn whole(v: &Value, up: bool) -> Value {
    let down = |n: i128, unit: i128| {
        let floor = n.div_euclid(unit);
        if up && n.rem_euclid(unit) != 0 {
            floor + 1
        } else {
            floor
        }
    };
    match v {
        Value::Decimal { unscaled, scale } => Value::Decimal {
            unscaled: down(*unscaled, decimal::pow10(*scale)),
            scale: 0,
        },
        Value::Money(m) => Value::Money((down(i128::from(*m), 10_000) * 10_000) as i64),
        Value::Float(f) => Value::Float(if up { f.ceil() } else { f.floor() }),
        other => other.clone(),
    }
}

/// `ROUND(value, digits [, truncate])`.
fn round(args: &[Bound]) -> Result<Bound> {
    if !(2..=3).contains(&args.len()) {
        return Err(error(
            189,
            15,
            "The round function requires 2 to 3 arguments.",
        ));
    }
    let arg = numeric(&args[0]);
    let t = Ty {
        nullable: true,
        ..arg.t.clone()
    };
    let ty = t.ty.clone();
    let truncate = args
        .get(2)
        .map_or(crate::engine::function::argument::int(0), as_int);
    Ok(strict(vec![arg, as_int(&args[1]), truncate], t, move |v| {
        let (digits, cut) = (integer_of(&v[1]).clamp(-40, 40), integer_of(&v[2]) != 0);
        let at = |n: i128, scale: u8| -> i128 {
            let drop = i64::from(scale) - digits;
            if drop <= 0 {
                return n;
            }
            if drop > 38 {
                return 0;
            }
            let unit = decimal::pow10(drop as u8);
            if cut {
                n / unit * unit
            } else {
                decimal::round_off(n, drop as u8).saturating_mul(unit)
            }
        };
        Ok(match &v[0] {
            Value::Int(i) => {
                let rounded = i64::try_from(at(i128::from(*i), 0)).ok();
                let fits = rounded.filter(|r| ty != SqlType::Int || i32::try_from(*r).is_ok());
                Value::Int(fits.ok_or_else(|| overflow(datatype::name(&ty)))?)
            }
            Value::Decimal { unscaled, scale } => {
                let SqlType::Decimal { precision, .. } = ty else {
                    return Err(overflow("numeric"));
                };
                Value::Decimal {
                    unscaled: decimal::fit(at(*unscaled, *scale), *scale, precision, *scale)?,
                    scale: *scale,
                }
            }
            Value::Money(m) => {
                Value::Money(i64::try_from(at(i128::from(*m), 4)).map_err(|_| overflow("money"))?)
            }
            Value::Float(f) => {
                let unit = 10f64.powi(digits as i32);
                let scaled = f * unit;
                Value::Float(if cut { scaled.trunc() } else { scaled.round() } / unit)
            }
            other if is_integer(&ty) => other.clone(),
            other => other.clone(),
        })
    }))
}
