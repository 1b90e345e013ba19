//! The keys of the section `tables`.

use crate::config::job::ValuePolicy;
use crate::config::keys::{Key, Kind, Text, words_of};

pub(super) static TABLES: &[Key] = &[
    Key::new(
        "include",
        Kind::List { words: &[] },
        "patterns such as \"dbo.*\"; empty means every table",
    ),
    Key::new(
        "exclude",
        Kind::List { words: &[] },
        "left out again, as \"dbo.sysdiagrams\"",
    ),
    Key::new(
        "overrides",
        Kind::Named {
            keys: OVERRIDE,
            example: Some("dbo.Example"),
        },
        "`schema.table` -> what is different for this table; every key is optional",
    ),
];

static OVERRIDE: &[Key] = &[
    Key::new(
        "where",
        Kind::Text(Text::Optional),
        "a T-SQL predicate, as \"Id > 0\"",
    ),
    Key::new(
        "columns",
        Kind::Section(COLUMNS),
        "Which columns are copied, and their names.",
    ),
    Key::new(
        "rename",
        Kind::Text(Text::Optional),
        "the table's name on the target",
    ),
    Key::optional_number(
        "partitions",
        "decided by the table's size",
        (1, 1024),
        "Fixes the number of partitions for any row count. A heap, a columnstore or a table without a key has \
         one reader by default, because each of several would read the whole table.",
    ),
    Key::new(
        "types",
        Kind::Names(&[]),
        "column -> PostgreSQL type, as { Body: text }; `domain` makes a domain of the column's alias type",
    ),
    Key::new(
        "values",
        Kind::Named {
            keys: COLUMN_VALUES,
            example: None,
        },
        "column -> its own policies instead of those under `values`, as { Body: { nul_characters: strip } }",
    ),
    Key::new(
        "accept",
        Kind::List {
            words: &["masked", "filtered"],
        },
        "masked: copy masked values. filtered: copy only the rows and columns that the login sees. Without it \
         such a table is refused while planning",
    ),
    Key::new(
        "without",
        Kind::List { words: &[] },
        "indexes, unique constraints, checks and foreign keys that are not made, by name, as [IX_Path, \
         FK_Order]",
    ),
];

static COLUMNS: &[Key] = &[
    Key::new(
        "exclude",
        Kind::List { words: &[] },
        "columns that are not copied",
    ),
    Key::new(
        "rename",
        Kind::Names(&[]),
        "column -> its name on the target, as { Id: user_id }",
    ),
];

static COLUMN_VALUES: &[Key] = &[
    policy("nul_characters"),
    policy("unpaired_surrogates"),
    policy("undecodable"),
    policy("out_of_range"),
];

const fn policy(name: &'static str) -> Key {
    let kind = Kind::Choice {
        words: words_of::<ValuePolicy>,
        default: None,
    };
    Key::new(name, kind, "as under `values`")
}
