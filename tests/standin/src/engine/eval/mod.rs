//! Plans and bound expressions, and running them.

pub(crate) mod aggregate;
pub(crate) mod constant;
pub(crate) mod context;
pub(crate) mod evaluate;
pub(crate) mod expr;
pub(crate) mod flow;
pub(crate) mod plan;
pub(crate) mod range;
pub(crate) mod recursive;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod series;
pub(crate) mod stream;
pub(crate) mod tiles;
pub(crate) mod types;
pub(crate) mod window;
