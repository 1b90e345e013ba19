//! Moves a Microsoft SQL Server database into PostgreSQL, in parallel and restartably.
