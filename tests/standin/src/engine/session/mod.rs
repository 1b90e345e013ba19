//! A session and what all sessions share: state, transactions and settings.

pub(crate) mod gate;
pub(crate) mod outcome;
pub(crate) mod settings;
pub(crate) mod shared;
pub(crate) mod sql_session;
pub(crate) mod transaction;
