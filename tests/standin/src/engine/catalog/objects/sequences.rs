//! sys.sequences, with the columns that SQL Server documents.

use crate::engine::catalog::build::{Build, NULL, T, b, i};
use crate::engine::catalog::objects::entry::{entry, object_columns};
use crate::engine::datatype;
use crate::engine::model::state::Database;

pub(super) fn view(database: &Database, name: &str) -> Option<Build> {
    if name != "sequences" {
        return None;
    }
    let mut v = Build::new(&object_columns(&[
        ("start_value", T::Big),
        ("increment", T::Big),
        ("minimum_value", T::Big),
        ("maximum_value", T::Big),
        ("is_cycling", T::Bit),
        ("is_cached", T::Bit),
        ("cache_size", T::Int),
        ("system_type_id", T::Tiny),
        ("user_type_id", T::Int),
        ("precision", T::Tiny),
        ("scale", T::Tiny),
        ("current_value", T::Big),
        ("is_exhausted", T::Bit),
        ("last_used_value", T::Big),
    ]));
    for q in database.sequences.values() {
        let position = q.position();
        let numeric = q.user_type_id == 108;
        let system = if numeric {
            108
        } else {
            datatype::system_type_id(&q.ty)
        };
        let mut row = entry(
            &q.name,
            q.object_id,
            (q.schema_id, 0),
            ("SO", "SEQUENCE_OBJECT"),
            q.created,
        );
        row.extend([
            i(q.start),
            i(q.increment),
            i(q.minimum),
            i(q.maximum),
            b(q.cycling),
            b(q.cache.is_some()),
            q.cache.flatten().map_or(NULL, i),
            i(system),
            i(q.user_type_id),
            i(datatype::precision(&q.ty)),
            i(datatype::scale(&q.ty)),
            i(position.current),
            b(q.exhausted()),
            if position.used {
                i(position.current)
            } else {
                NULL
            },
        ]);
        v.row(row);
    }
    Some(v)
}
