//! What a changed row must satisfy: keys, checks and foreign keys.

pub(crate) mod check;
pub(crate) mod reference;
