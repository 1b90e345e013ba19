//! What surrounds a run: the sections `lineage` and `hooks`.

use super::{Key, Kind, Text};

pub(super) static LINEAGE: &[Key] = &[Key::new(
    "file",
    Kind::Path,
    "events are appended, one JSON object on a line",
)];

pub(super) static HOOKS: &[Key] = &[
    Key::new(
        "before_load",
        Kind::Text(Text::Optional),
        "when the run is registered, before anything is made or loaded; if it fails, nothing is",
    ),
    Key::new(
        "after_tables",
        Kind::Text(Text::Optional),
        "when every table is done, with foreign keys and views, before both sides are compared; not if a table \
         failed",
    ),
    Key::new(
        "after_run",
        Kind::Text(Text::Optional),
        "when the report is written, whatever the outcome (MIGRATE_OUTCOME) unless a signal stopped the run",
    ),
    Key::duration(
        "timeout",
        300,
        "how long each may take; then it is ended, which is a failure",
    ),
];
