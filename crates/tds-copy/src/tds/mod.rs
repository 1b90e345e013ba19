//! Parses what SQL Server sends, without IO.
//!
//! [`deframe`] takes packet headers out of socket bytes, [`token`] reads everything that is not a
//! row, [`session`] what a response says about its session, [`metadata`] and [`type_info`] say what
//! a row is made of. [`key`] keeps a key's value.
//! Nothing here panics or grows without bound, whatever the bytes are.

pub mod code_page;
pub mod collation;
pub mod cursor;
pub mod deframe;
pub mod key;
pub mod metadata;
mod oem;
pub mod packet;
pub mod session;
pub mod token;
pub mod type_info;
