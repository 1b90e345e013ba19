//! Turns TDS rows into COPY BINARY rows in one pass, without IO.
//!
//! A [`RowLayout`] says what was planned; a [`RowReader`] takes a statement's response as socket
//! bytes and gives [`Batch`]es. Between them, `layout` decides per column how it is read when
//! the server announces the result, and `encode` runs the row loop over those decisions.

mod announced;
mod batch;
mod code_page_text;
mod column_policy;
pub mod digest;
mod encode;
mod encoding;
mod fault;
mod field;
mod float;
mod hex;
mod hierarchy;
mod json;
pub mod jsonb;
mod key_bytes;
mod layout;
mod number;
mod output;
mod reader;
mod reject;
mod render;
mod row_bytes;
mod show;
mod spatial;
mod streamed;
mod time;
mod utf16;
mod value;
mod value_policy;
mod variant;
mod vector;
mod width;
mod xml;

pub use batch::Batch;
pub use fault::Reason;
pub use layout::{ResultColumn, RowLayout};
pub use reader::{Outcome, RowReader, Step};
pub use reject::{Reject, RejectedColumn};
pub use row_bytes::RowBytes;
pub use value_policy::{ValuePolicy, Values};
