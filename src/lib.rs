//! Moves a Microsoft SQL Server database into PostgreSQL, in parallel and restartably.

pub mod cli;
pub mod config;
pub mod error;
pub mod mssql;
pub mod names;
pub mod pipeline;
pub mod plan;
pub mod postgres;
pub mod report;
pub mod schema;
pub mod tds;
pub mod transcode;
pub mod typemap;
