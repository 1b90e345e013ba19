//! Rows that PostgreSQL cannot hold, kept so that they can be repaired by hand.
//!
//! `docs/operations.md` describes the form. Nothing here runs unless a row is rejected.

use std::borrow::Cow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::{Error, Kind, Result};
use crate::transcode::digest::fields;
use crate::transcode::fault::Reason;
use crate::transcode::layout::{Planned, RowLayout};
use crate::transcode::show::text;
use tsql::hex::hex;

/// Wire bytes of a faulty value that are kept: with two digits a byte well below the 256 MiB that
/// a string in `jsonb` may have. A longer value is kept by its length.
pub(super) const MOST_OF_A_VALUE: usize = 64 << 20;

/// What a row's values, faulty ones too, may have in all: `jsonb` ends at 256 MiB for an object
/// (postgres, jsonb.h JENTRY_OFFLENMASK). The largest values beyond it are kept by their lengths.
const MOST_OF_A_ROW: usize = 192 << 20;

/// A rejected row.
#[derive(Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its faulty columns in the order in which they were read; never empty.
    pub faults: Vec<RejectedColumn>,
    /// JSON object of the key's columns by their source names; `None` without a key.
    pub key: Option<String>,
    /// JSON object of all columns by their target names.
    pub row: String,
}

/// One faulty column of a rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedColumn {
    /// By its source name.
    pub column: String,
    /// The first fault of its value.
    pub reason: Reason,
}

impl Reject {
    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        self.row.len() + self.key.as_ref().map_or(0, String::len)
    }
}

/// Its values must not appear in logs.
impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("faults", &self.faults)
            .field("row", &format_args!("{} bytes", self.row.len()))
            .finish()
    }
}

/// A value that is left out of its row.
#[derive(Debug)]
pub(super) struct Faulty {
    /// Its column's place in the layout.
    pub(super) planned: usize,
    pub(super) reason: Reason,
    /// UTF-16 on the wire; else what the column's own type has.
    pub(super) utf16: bool,
    pub(super) kept: Kept,
}

/// What is kept of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of its bytes, as the server sent them.
    Wire(Vec<u8>),
    /// How many bytes it has.
    Length(u64),
    /// The value is good, and in its row.
    Encoded,
}

impl Kept {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes.len() {
            0..=MOST_OF_A_VALUE => Self::Wire(bytes.to_vec()),
            longer => Self::Length(longer as u64),
        }
    }
}

/// Place and length of the longest value of a row.
pub(super) fn longest(row: &[u8]) -> (usize, usize) {
    let lengths = fields(row).map(|field| field.map_or(0, <[u8]>::len));
    let longest = lengths.enumerate().max_by_key(|(_, length)| *length);
    longest.unwrap_or_default()
}

/// Describes a row whose values are in `row`, except for those that are `faulty`.
pub(super) fn describe(layout: &RowLayout, row: &[u8], faulty: &[Faulty]) -> Result<Reject> {
    let fields = fields(row).collect::<Vec<_>>();
    if fields.len() != layout.columns.len() {
        let message = "a rejected row does not have the fields of its layout";
        return Err(Error::new(Kind::Internal, message));
    }
    let lengths = lengths(&fields, faulty);
    let left_out = largest(&lengths);
    let value = |place: usize| {
        let planned = &layout.columns[place];
        if left_out.contains(&place) {
            return Shown::Omitted(lengths[place] as u64);
        }
        match faulty.iter().find(|faulty| faulty.planned == place) {
            Some(faulty) if faulty.kept != Kept::Encoded => faulty_value(planned, faulty),
            _ => good_value(planned, fields[place]),
        }
    };
    let name = |place: usize| layout.columns[place].name.as_str();
    let target_name = |place: usize| layout.columns[place].target_name.as_str();
    let key = layout.identity.iter().map(|place| (name(*place), *place));
    let all = (0..fields.len()).map(|place| (target_name(place), place));
    let faults = faulty.iter().map(|faulty| RejectedColumn {
        column: name(faulty.planned).to_owned(),
        reason: faulty.reason,
    });
    Ok(Reject {
        faults: faults.collect(),
        key: if layout.identity.is_empty() {
            None
        } else {
            Some(object(key.map(|(name, place)| (name, value(place))))?)
        },
        row: object(all.map(|(name, place)| (name, value(place))))?,
    })
}

/// How many bytes there are of each value, by place.
fn lengths(fields: &[Option<&[u8]>], faulty: &[Faulty]) -> Vec<usize> {
    let length = |field: &Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let mut lengths = fields.iter().map(length).collect::<Vec<_>>();
    for faulty in faulty {
        match &faulty.kept {
            Kept::Wire(bytes) => lengths[faulty.planned] = bytes.len(),
            Kept::Length(_) => lengths[faulty.planned] = 0,
            Kept::Encoded => {}
        }
    }
    lengths
}

/// Places of the values that do not fit beside the smaller ones.
fn largest(lengths: &[usize]) -> Vec<usize> {
    let mut places = (0..lengths.len()).collect::<Vec<_>>();
    places.sort_by_key(|place| lengths[*place]);
    let mut sum = 0;
    // Two characters a byte, because bytes are shown as digits.
    let beyond = places.into_iter().skip_while(|place| {
        sum += 2 * lengths[*place];
        sum <= MOST_OF_A_ROW
    });
    beyond.collect()
}

/// A value in JSON.
enum Shown<'a> {
    Null,
    /// As PostgreSQL reads it.
    Text(Cow<'a, str>),
    /// Bytes that cannot be text, and what they are.
    Hex(String, Cow<'static, str>),
    /// Too long to be kept: how many bytes it has.
    Omitted(u64),
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Hex(digits, encoding) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("$hex", digits)?;
                map.serialize_entry("$encoding", encoding)?;
                map.end()
            }
            Self::Omitted(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("$omitted_bytes", bytes)?;
                map.end()
            }
        }
    }
}

/// A value that is in the row: as text if PostgreSQL reads that back, else as digits.
fn good_value<'a>(planned: &Planned, field: Option<&'a [u8]>) -> Shown<'a> {
    let Some(field) = field else {
        return Shown::Null;
    };
    match text(&planned.target, field) {
        Some(text) => Shown::Text(text),
        None => Shown::Hex(hex(field), "copy binary".into()),
    }
}

/// A value that was left out: the bytes of the wire, and what they are.
fn faulty_value<'a>(planned: &Planned, faulty: &Faulty) -> Shown<'a> {
    match &faulty.kept {
        Kept::Length(bytes) => Shown::Omitted(*bytes),
        Kept::Encoded => Shown::Null,
        Kept::Wire(bytes) => {
            let encoding = match (faulty.utf16, planned.code_page) {
                (true, _) => "utf-16le".into(),
                (false, Some(page)) => format!("code page {page}").into(),
                (false, None) => "tds".into(),
            };
            Shown::Hex(hex(bytes), encoding)
        }
    }
}

/// A JSON object, its members in this order. Serialised as it is iterated, so no copy is made.
fn object<'a>(pairs: impl Iterator<Item = (&'a str, Shown<'a>)>) -> Result<String> {
    struct Object<I>(std::cell::RefCell<Option<I>>);
    impl<'a, I: Iterator<Item = (&'a str, Shown<'a>)>> Serialize for Object<I> {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.take().into_iter().flatten())
        }
    }
    serde_json::to_string(&Object(std::cell::RefCell::new(Some(pairs)))).map_err(|error| {
        Error::new(
            Kind::Internal,
            format!("a rejected row is not JSON: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_with_the_bytes() {
        let row = [
            &[0, 3][..],
            &(-1i32).to_be_bytes(),
            &2i32.to_be_bytes(),
            b"ab",
            &0i32.to_be_bytes(),
        ]
        .concat();
        let all = fields(&row).collect::<Vec<_>>();
        assert_eq!(all, [None, Some(&b"ab"[..]), Some(&b""[..])]);
        assert_eq!(fields(&row[..row.len() - 5]).count(), 1);
    }

    #[test]
    fn the_largest_values_give_way() {
        let large = MOST_OF_A_ROW / 2;
        let mut given_up = largest(&[large, 0, 10, large]);
        given_up.sort_unstable();
        assert_eq!(given_up, [0, 3]);
        assert!(largest(&[0, 10, large - 10]).is_empty());
    }

    /// `jsonb` has one limit for the whole object; a row of 60 MiB of faulty text beside 90 MiB of
    /// good bytes could not be written at all.
    #[test]
    fn faulty_values_take_part_in_the_budget() {
        let kept = |planned, kept| Faulty {
            planned,
            reason: Reason::NulCharacters,
            utf16: true,
            kept,
        };
        let faulty = [
            kept(1, Kept::Wire(vec![0; 7])),
            kept(2, Kept::Length(1 << 40)),
        ];
        let fields = [Some(&b"good"[..]), None, None, None];
        assert_eq!(lengths(&fields, &faulty), [4, 7, 0, 0]);
        assert_eq!(largest(&[4, 60 << 20, 90 << 20, 10]), [2]);
        assert_eq!(largest(&[60 << 20, 60 << 20, 3]).len(), 1);
    }

    #[test]
    fn a_reject_does_not_show_its_values() {
        let reject = Reject {
            faults: Vec::new(),
            key: Some("secret".into()),
            row: "secret".into(),
        };
        assert!(!format!("{reject:?}").contains("secret"));
    }
}
