//! Makes what belongs to tables beside their rows: each object in a transaction of its own, once.
//!
//! Whether an object is made already is looked up at PostgreSQL itself, under its planned name and
//! with its definition, so that a run that was killed between any two of them makes the rest, and
//! objects that were there before the run are taken over.
//!
//! Each transaction first locks the table's record in `_migrate.tables` (`table::begin`), which
//! also refuses a run that a younger one of the job has overtaken.

mod existing;
mod foreign_key;
mod index;
mod key_group;
mod missing;
mod oversize;
mod standalone;
mod suspended;
mod table;
mod trigger;
mod twin;
mod view;

pub use crate::postgres::objects::foreign_key::{
    add as add_foreign_key, validate as validate_foreign_key,
};
pub use crate::postgres::objects::index::{make_check, make_index};
pub use crate::postgres::objects::key_group::{
    NewKey, add_all as add_foreign_keys, unvalidated_keys,
};
pub(super) use crate::postgres::objects::missing::missing_objects;
pub use crate::postgres::objects::standalone::{
    continue_sequence, make_collation, make_domain, make_sequence,
};
pub use crate::postgres::objects::suspended::{
    drop_keys_between, is_suspended, restore, restore_all, restore_statement, suspend,
};
pub use crate::postgres::objects::table::TableContext;
pub use crate::postgres::objects::trigger::make as make_trigger;
pub(super) use crate::postgres::objects::view::drop_view_within;
pub use crate::postgres::objects::view::{drop_view, make_function, make_helper, make_view};
