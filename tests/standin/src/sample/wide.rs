//! A table of any size that is never stored: an int key and a wide text made from it.

use std::str::FromStr;
use std::sync::Arc;

use crate::prng::SplitMix64;
use crate::sample::text;
use crate::types::Value;

/// UTF-16 units that the texts are cut from.
const POOL: usize = 64 * 1024;
/// Units of the longest `nvarchar(n)`; longer texts are `nvarchar(max)`.
const LONGEST_LIMITED: usize = 4000;

/// A generated table, written `NAME:ROWS:BYTES`; the bytes are those of the text of each row as
/// SQL Server stores it, two for a UTF-16 unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wide {
    name: String,
    rows: u64,
    units: usize,
}

impl Wide {
    /// Its CREATE TABLE in schema `dbo`.
    pub fn ddl(&self) -> String {
        let length = if self.units > LONGEST_LIMITED {
            "max".to_owned()
        } else {
            self.units.to_string()
        };
        let name = self.name.replace(']', "]]");
        format!(
            "CREATE TABLE [dbo].[{name}] (
    [Id] int NOT NULL,
    [Text] nvarchar({length}) NOT NULL,
    CONSTRAINT [PK_{name}__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)"
        )
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes the row with this ordinal, the same every time; its key is the ordinal plus one.
    pub fn generator(&self) -> Arc<dyn Fn(u64) -> Vec<Value> + Send + Sync> {
        let units = self.units;
        let mut pool = text::pool(POOL, &mut SplitMix64::new(units as u64));
        // Twice over, so that a piece may begin anywhere.
        pool.extend_from_within(..);
        Arc::new(move |ordinal| {
            let key = ordinal + 1;
            vec![Value::Int(key as i64), Value::Text(wide(key, units, &pool))]
        })
    }
}

/// The key in digits, a blank, and then pieces of the pool that begin where the key says.
fn wide(key: u64, units: usize, pool: &[u16]) -> Arc<[u16]> {
    let mut made = Vec::with_capacity(units);
    made.extend(key.to_string().encode_utf16().take(units));
    if made.len() < units {
        made.push(u16::from(b' '));
    }
    let mut random = SplitMix64::new(key);
    while made.len() < units {
        let from = random.below(POOL as u64) as usize;
        let length = (units - made.len()).min(POOL);
        let start = made.len();
        made.extend_from_slice(&pool[from..from + length]);
        text::mend(&mut made[start..]);
    }
    made.into()
}

impl FromStr for Wide {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let parts: Vec<&str> = written.rsplitn(3, ':').collect();
        let [bytes, rows, name] = parts[..] else {
            return Err(format!("{written:?} is not NAME:ROWS:BYTES"));
        };
        let number = |text: &str| {
            let digits = text.replace('_', "");
            digits
                .parse::<u64>()
                .map_err(|_| format!("{text:?} is no number"))
        };
        let (rows, bytes) = (number(rows)?, number(bytes)?);
        if name.is_empty() {
            return Err("a table needs a name".to_owned());
        }
        if rows > i32::MAX as u64 {
            return Err(format!("{rows} rows do not fit an int key"));
        }
        if bytes < 2 || bytes % 2 == 1 || bytes > i32::MAX as u64 {
            return Err(format!(
                "{bytes} bytes: a text of UTF-16 has an even number, from 2 to below 2^31"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            rows,
            units: (bytes / 2) as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(wide: &Wide, ordinal: u64) -> (i64, Vec<u16>) {
        match wide.generator()(ordinal).as_slice() {
            [Value::Int(key), Value::Text(units)] => (*key, units.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_repeat_and_have_their_size() {
        for bytes in [2, 8, 8000, 8002, 400_000] {
            let wide: Wide = format!("Big:1_000:{bytes}").parse().unwrap();
            assert_eq!(wide.ddl().contains("(max)"), bytes > 8000);
            for ordinal in [0, 7, 999] {
                let (key, units) = texts(&wide, ordinal);
                assert_eq!((key, units.len() * 2), (ordinal as i64 + 1, bytes));
                assert!(String::from_utf16(&units).is_ok(), "half a character");
                assert_eq!(texts(&wide, ordinal), (key, units));
            }
        }
    }

    #[test]
    fn what_makes_no_table_is_refused() {
        for wrong in [
            "Big:1",
            ":1:2",
            "Big:x:2",
            "Big:1:3",
            "Big:1:0",
            "Big:3000000000:2",
        ] {
            assert!(wrong.parse::<Wide>().is_err(), "{wrong}");
        }
    }
}
