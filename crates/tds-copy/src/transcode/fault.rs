//! What can be wrong with one value, told without the value.
//!
//! A fault is small and has no text, since the row loop returns one for every value; it becomes an
//! error, or a reason in a rejected row, only once the policy is known.

use crate::error::{Error, Kind};
use serde::Serialize;
use tsql::page::PAGE;

/// Why a value was rejected, by the setting of `values:` that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Text holds U+0000.
    NulCharacters,
    /// Text holds half of a UTF-16 pair.
    UnpairedSurrogates,
    /// Text holds bytes that its code page does not define.
    Undecodable,
    /// The value or its row is beyond what PostgreSQL takes.
    OutOfRange,
}

impl Reason {
    /// The key of `values:`.
    ///
    /// ```
    /// assert_eq!(tds_copy::transcode::Reason::NulCharacters.word(), "nul_characters");
    /// ```
    pub fn word(self) -> &'static str {
        match self {
            Self::NulCharacters => "nul_characters",
            Self::UnpairedSurrogates => "unpaired_surrogates",
            Self::Undecodable => "undecodable",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// Why a value could not be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Text holds U+0000.
    Nul,
    /// Text holds an unpaired surrogate.
    Surrogate,
    /// Text holds bytes that its code page leaves undefined.
    Undecodable,
    /// The row would be longer than PostgreSQL takes.
    TooLong,
    /// The row takes this number of bytes, more than a page has.
    TooWide(usize),
    /// The bytes are no value of the announced type.
    Malformed,
    /// A geography that is the whole globe.
    FullGlobe,
    /// NULL where a key belongs.
    NullKey,
}

impl Fault {
    /// The setting of `values:` that decides what follows; `None` where nothing can.
    pub(super) fn reason(self) -> Option<Reason> {
        match self {
            Self::Nul => Some(Reason::NulCharacters),
            Self::Surrogate => Some(Reason::UnpairedSurrogates),
            Self::Undecodable => Some(Reason::Undecodable),
            Self::TooLong | Self::TooWide(_) | Self::FullGlobe => Some(Reason::OutOfRange),
            Self::Malformed | Self::NullKey => None,
        }
    }

    /// The error, without its place.
    #[cold]
    pub(super) fn error(self) -> Error {
        let (kind, message) = match self {
            Self::Nul => (
                Kind::Value,
                "the text holds U+0000, which PostgreSQL cannot store (values.nul_characters)",
            ),
            Self::Surrogate => (
                Kind::Value,
                "the text holds an unpaired surrogate, which is no character \
                 (values.unpaired_surrogates)",
            ),
            Self::Undecodable => (
                Kind::Value,
                "the text holds bytes that its code page does not define (values.undecodable)",
            ),
            Self::TooLong => (
                Kind::Value,
                "the row is longer than the 1 GiB less some bytes that PostgreSQL takes \
                 (values.out_of_range)",
            ),
            Self::TooWide(bytes) => {
                let message = format!(
                    "the row takes {bytes} bytes of a page of PostgreSQL, which holds {PAGE} \
                     (values.out_of_range: reject keeps such rows apart, by their keys)"
                );
                return Error::new(Kind::Value, message);
            }
            Self::FullGlobe => (
                Kind::Value,
                "the geography is a FULLGLOBE, which EWKB and PostGIS do not know (values.out_of_range)",
            ),
            Self::Malformed => (
                Kind::Protocol,
                "the server sends bytes that are no value of the column's type",
            ),
            Self::NullKey => (
                Kind::Protocol,
                "the server sends NULL in a key column that was planned as not null",
            ),
        };
        Error::new(kind, message)
    }
}
