//! Values and names at the edge of what PostgreSQL holds.
