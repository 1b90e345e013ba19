//! Queries: from the parsed form to a plan, and from a plan to rows.

pub(crate) mod assign;
pub(crate) mod bind;
pub(crate) mod direct;
mod expand;
pub(crate) mod from;
pub(crate) mod governor;
mod join;
pub(crate) mod mask;
pub(crate) mod memory;
pub(crate) mod module;
pub(crate) mod order;
mod pivot;
mod policy;
mod push;
mod routine;
pub(crate) mod run_body;
mod sargable;
pub(crate) mod seek;
pub(crate) mod select;
pub(crate) mod series;
pub(crate) mod source;
pub(crate) mod special;
pub(crate) mod tablesample;
mod xml;
