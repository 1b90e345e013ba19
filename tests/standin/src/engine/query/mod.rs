//! Queries: from the parsed form to a plan, and from a plan to rows.

pub(crate) mod aggregate;
pub(crate) mod bind;
pub(crate) mod direct;
pub(crate) mod from;
pub(crate) mod governor;
pub(crate) mod mask;
pub(crate) mod order;
pub(crate) mod plan;
mod policy;
pub(crate) mod range;
pub(crate) mod run;
pub(crate) mod sample;
mod sargable;
pub(crate) mod scan;
pub(crate) mod seek;
pub(crate) mod select;
pub(crate) mod series;
mod stream;
pub(crate) mod window;
