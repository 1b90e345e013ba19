//! Parses what SQL Server sends, without IO.
