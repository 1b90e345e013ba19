//! What happens to values that PostgreSQL cannot hold, as the caller asks for it.
//!
//! The caller's choice for a column; `column_policy` is the form in which the row loop has it.

/// One policy for each fault of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// U+0000 in text.
    pub nul_characters: ValuePolicy,
    /// Half of a UTF-16 pair.
    pub unpaired_surrogates: ValuePolicy,
    /// Bytes of `char`, `varchar` and `text` that the column's code page does not define.
    pub undecodable: ValuePolicy,
    /// Numbers, dates and lengths; never `Strip` or `Replace`.
    pub out_of_range: ValuePolicy,
}

impl Values {
    /// One policy for every fault of a text, `out_of_range` as given.
    ///
    /// ```
    /// use tds_copy::transcode::{ValuePolicy, Values};
    ///
    /// let values = Values::uniform(ValuePolicy::Replace, ValuePolicy::Error);
    /// assert_eq!(values.undecodable, ValuePolicy::Replace);
    /// assert_eq!(values.out_of_range, ValuePolicy::Error);
    /// ```
    pub const fn uniform(text: ValuePolicy, out_of_range: ValuePolicy) -> Self {
        Self {
            nul_characters: text,
            unpaired_surrogates: text,
            undecodable: text,
            out_of_range,
        }
    }
}

/// What happens to a value that PostgreSQL cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValuePolicy {
    /// Reading ends with an error at that row.
    Error,
    /// The row is left out of its batch and kept as a [`Reject`](crate::transcode::Reject).
    Reject,
    /// Text only: the character is left out, and counted.
    Strip,
    /// Text only: U+FFFD in its place, and counted.
    Replace,
}
