//! Objects that PostgreSQL cannot make cost the table nothing else.
