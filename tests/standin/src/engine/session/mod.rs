//! TODO

pub(crate) mod gate;
pub(crate) mod settings;
pub(crate) mod shared;
pub(crate) mod sql_session;
pub(crate) mod transaction;
