//! The source shore: everything that talks to SQL Server.
