//! INSERT, UPDATE, DELETE, TRUNCATE and bulk loading.

pub(crate) mod cascade;
mod change;
pub(crate) mod graph;
mod insert;
pub(crate) mod joined;
pub(crate) mod load;
mod period;
pub(crate) mod target;

pub(crate) use crate::engine::dml::change::{delete, update};
pub(crate) use crate::engine::dml::insert::insert;
pub(crate) use crate::engine::dml::load::{load, truncate};
