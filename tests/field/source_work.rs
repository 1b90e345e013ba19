//! Rows that the source touches for each row that is moved.
