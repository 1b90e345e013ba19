//! The target shore: everything that talks to PostgreSQL.
