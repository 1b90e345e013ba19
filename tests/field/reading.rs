//! Reading large tables as the server wants to be read: seeks, no sorts, every kind of table.
