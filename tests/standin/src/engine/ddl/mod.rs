//! Tables, constraints and indexes: CREATE, ALTER, DROP.

mod body;
mod column;
mod constraint;
pub(crate) mod drop_index;
mod drop_object;
pub(crate) mod foreign_key;
pub(crate) mod full_text;
pub(crate) mod graph;
mod index;
mod module;
mod partition;
mod security;
mod sequence;
pub(crate) mod table;
mod temporal;
pub(crate) mod work;

pub(crate) use crate::engine::ddl::column::reseed;
pub(crate) use crate::engine::ddl::drop_index::{alter_index, drop_index};
pub(crate) use crate::engine::ddl::drop_object::{drop_object, enable_triggers};
pub(crate) use crate::engine::ddl::full_text::create_full_text;
pub(crate) use crate::engine::ddl::index::{create_index, keep_rows};
pub(crate) use crate::engine::ddl::module::{create_module, create_synonym};
pub(crate) use crate::engine::ddl::partition::{
    create_partition_function, create_partition_scheme, split_partition,
};
pub(crate) use crate::engine::ddl::security::secure;
pub(crate) use crate::engine::ddl::sequence::{alter_sequence, create_sequence};
pub(crate) use crate::engine::ddl::table::{alter_table, create_table, drop_table};
