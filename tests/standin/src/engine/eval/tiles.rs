//! NTILE: rows in equal parts.

use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Env};
use crate::types::Value;

pub(crate) fn tile_count(n: &Bound, env: &Env<'_>) -> Result<u64> {
    match n.eval(env)? {
        Value::Int(n) if n > 0 => Ok(n as u64),
        _ => Err(error(
            4116,
            16,
            "The function 'ntile' takes only a positive int or bigint expression as its input.",
        )),
    }
}

/// Rows in equal parts, of which the first have one row more where they do not divide evenly.
pub(crate) struct Tiles {
    /// Rows in each of the shorter parts.
    size: u64,
    longer: u64,
    /// Rows in the longer ones together.
    in_longer: u64,
}

impl Tiles {
    /// `n` parts of `total` rows.
    pub(crate) fn of(total: u64, n: u64) -> Tiles {
        let (size, longer) = (total / n, total % n);
        Tiles {
            size,
            longer,
            in_longer: longer * (size + 1),
        }
    }

    /// The part, from 1, of the row at a position from 0.
    pub(crate) fn of_row(&self, at: u64) -> u64 {
        if at < self.in_longer {
            at / (self.size + 1) + 1
        } else {
            self.longer + (at - self.in_longer) / self.size.max(1) + 1
        }
    }
}
