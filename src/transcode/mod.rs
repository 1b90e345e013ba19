//! Turns TDS rows into COPY BINARY rows in one pass, without IO.

mod batch;

pub use batch::Batch;
