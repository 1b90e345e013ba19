//! What is transient by the server's documentation is retried, at the start and later.
