//! The books of a schema: every object of the source is made at the target, or listed as left out
//! with its reason.

use serde_json::Value;

use crate::support::postgres::Database;
use crate::support::source::SourceDatabase;

/// Target schemas that hold what a run made.
const MADE: &str = "(SELECT oid FROM pg_namespace WHERE nspname NOT IN ('_migrate', 'information_schema') AND nspname NOT LIKE 'pg\\_%')";

/// One kind of object.
struct Kind {
    name: &'static str,
    at_source: &'static str,
    /// `{made}` stands for the target's schemas.
    at_target: &'static str,
    /// How omissions of it begin.
    omitted: &'static [&'static str],
    /// Parts of an index: `at_source` has a row with its table and its name for each, and those of
    /// an index that is left out go with it.
    of_index: bool,
}

const KINDS: [Kind; 17] = [
    Kind {
        name: "tables",
        at_source: "SELECT COUNT(*) FROM sys.tables",
        at_target: "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace IN {made}",
        omitted: &["table "],
        of_index: false,
    },
    Kind {
        name: "columns",
        at_source: "SELECT COUNT(*) FROM sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id",
        at_target: "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND relnamespace IN {made}",
        omitted: &["column "],
        of_index: false,
    },
    Kind {
        name: "primary keys",
        at_source: "SELECT COUNT(*) FROM sys.objects WHERE type = 'PK'",
        at_target: "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace IN {made}",
        omitted: &["primary key "],
        of_index: false,
    },
    Kind {
        name: "indexes",
        at_source: "SELECT COUNT(*) FROM sys.indexes AS i JOIN sys.tables AS t ON t.object_id = i.object_id WHERE i.index_id > 0 AND i.is_primary_key = 0",
        at_target: "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE NOT indisprimary AND relnamespace IN {made}",
        omitted: &["index ", "unique "],
        of_index: false,
    },
    Kind {
        name: "foreign keys",
        at_source: "SELECT COUNT(*) FROM sys.objects WHERE type = 'F'",
        at_target: "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace IN {made}",
        omitted: &["foreign key "],
        of_index: false,
    },
    Kind {
        name: "checks",
        at_source: "SELECT COUNT(*) FROM sys.objects WHERE type = 'C'",
        at_target: "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND connamespace IN {made}",
        omitted: &["check "],
        of_index: false,
    },
    Kind {
        name: "defaults",
        // Period columns get defaults for what the server fills them with.
        at_source: "SELECT COUNT(*) FROM sys.columns AS c LEFT JOIN sys.default_constraints AS d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id WHERE d.object_id IS NOT NULL OR c.generated_always_type <> 0",
        at_target: "SELECT count(*) FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND attnum = adnum WHERE attgenerated = '' AND pg_get_serial_sequence(c.oid::regclass::text, attname) IS NULL AND relnamespace IN {made}",
        omitted: &["default "],
        of_index: false,
    },
    Kind {
        name: "identities",
        at_source: "SELECT COUNT(*) FROM sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id WHERE c.is_identity = 1",
        at_target: "SELECT count(*) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND pg_get_serial_sequence(c.oid::regclass::text, attname) IS NOT NULL AND relnamespace IN {made}",
        omitted: &["identity "],
        of_index: false,
    },
    Kind {
        name: "sequences",
        at_source: "SELECT COUNT(*) FROM sys.sequences",
        // Those of identities are their columns'.
        at_target: "SELECT count(*) FROM pg_class s WHERE relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = s.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')) AND relnamespace IN {made}",
        omitted: &["sequence "],
        of_index: false,
    },
    Kind {
        name: "included columns",
        at_source: "SELECT OBJECT_SCHEMA_NAME(i.object_id) + N'.' + t.name, i.name FROM sys.index_columns AS c JOIN sys.indexes AS i ON i.object_id = c.object_id AND i.index_id = c.index_id JOIN sys.tables AS t ON t.object_id = i.object_id WHERE c.is_included_column = 1 AND i.type IN (1, 2)",
        at_target: "SELECT coalesce(sum(indnatts - indnkeyatts), 0) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE relnamespace IN {made}",
        omitted: &["included column "],
        of_index: true,
    },
    Kind {
        name: "filters of indexes",
        at_source: "SELECT OBJECT_SCHEMA_NAME(i.object_id) + N'.' + t.name, i.name FROM sys.indexes AS i JOIN sys.tables AS t ON t.object_id = i.object_id WHERE i.has_filter = 1 AND i.type IN (1, 2)",
        at_target: "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE indpred IS NOT NULL AND relnamespace IN {made}",
        omitted: &[],
        of_index: true,
    },
    Kind {
        name: "descending columns",
        at_source: "SELECT OBJECT_SCHEMA_NAME(i.object_id) + N'.' + t.name, i.name FROM sys.index_columns AS c JOIN sys.indexes AS i ON i.object_id = c.object_id AND i.index_id = c.index_id JOIN sys.tables AS t ON t.object_id = i.object_id WHERE c.is_descending_key = 1 AND c.key_ordinal > 0 AND i.is_primary_key = 0 AND i.is_unique_constraint = 0 AND i.type IN (1, 2)",
        at_target: "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid, unnest(indoption::int2[]) o WHERE o & 1 = 1 AND relnamespace IN {made}",
        omitted: &[],
        of_index: true,
    },
    Kind {
        name: "computed columns",
        at_source: "SELECT COUNT(*) FROM sys.computed_columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id",
        at_target: "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE attgenerated = 's' AND relnamespace IN {made}",
        omitted: &["computed expression "],
        of_index: false,
    },
    Kind {
        name: "views",
        at_source: "SELECT COUNT(*) FROM sys.views",
        at_target: "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace IN {made}",
        omitted: &["view "],
        of_index: false,
    },
    Kind {
        name: "triggers",
        at_source: "SELECT COUNT(*) FROM sys.triggers WHERE parent_class = 1",
        at_target: "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
        // In the inventory: the tool never makes one.
        omitted: &[],
        of_index: false,
    },
    Kind {
        name: "full-text indexes",
        at_source: "SELECT COUNT(*) FROM sys.fulltext_indexes",
        at_target: "SELECT 0",
        omitted: &["full-text index "],
        of_index: false,
    },
    Kind {
        name: "comments",
        at_source: "SELECT COUNT(*) FROM sys.extended_properties AS e JOIN sys.tables AS t ON t.object_id = e.major_id WHERE e.class = 1 AND e.name = 'MS_Description'",
        at_target: "SELECT count(*) FROM pg_description JOIN pg_class c ON c.oid = objoid WHERE description !~ '^(sql_variant|hierarchyid|geography|geometry|vector.*|CLR type .*) at the source' AND classoid = 'pg_class'::regclass AND relkind = 'r' AND relnamespace IN {made}",
        omitted: &["comment "],
        of_index: false,
    },
];

/// The count of one kind of object.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    pub kind: &'static str,
    pub source: i64,
    pub made: i64,
    pub left_out: i64,
}

/// Counts both sides after a run with this report. Panics where an object is neither made nor
/// listed, and where one is listed without a reason.
pub fn balance(
    source: &SourceDatabase,
    target: &Database<'_>,
    report: &Value,
    context: &str,
) -> Vec<Account> {
    let omissions = report["omissions"].as_array().expect("omissions");
    for omission in omissions {
        let reason = omission["reason"].as_str().unwrap_or_default();
        assert!(!reason.is_empty(), "{context}: {omission}");
    }
    let account = |kind: &Kind| {
        let left_out: Vec<_> = omissions
            .iter()
            .filter(|omission| {
                let object = omission["object"].as_str().unwrap_or_default();
                kind.omitted.iter().any(|word| object.starts_with(word))
            })
            .collect();
        let account = Account {
            kind: kind.name,
            source: if kind.of_index {
                of_made_indexes(source.texts(kind.at_source, 2), omissions)
            } else {
                source.number(kind.at_source)
            },
            made: target
                .value(&kind.at_target.replace("{made}", MADE))
                .parse()
                .expect("a number"),
            left_out: i64::try_from(left_out.len() + never_made(report, kind.name)).expect("few"),
        };
        assert_eq!(
            account.made + account.left_out,
            account.source,
            "{context}: {account:?}, left out: {left_out:#?}"
        );
        account
    };
    KINDS.iter().map(account).collect()
}

/// How many of a kind the inventory names.
fn never_made(report: &Value, kind: &str) -> usize {
    let kinds = report["inventory"].as_array().expect("an inventory");
    let found = kinds.iter().find(|one| one["kind"] == kind);
    found.map_or(0, |one| one["names"].as_array().expect("names").len())
}

/// How many of these parts belong to an index that is not left out as a whole.
fn of_made_indexes(parts: Vec<Vec<Option<String>>>, omissions: &[Value]) -> i64 {
    let left_out = |part: &Vec<Option<String>>| {
        let (table, index) = (part[0].as_deref(), part[1].as_deref().unwrap_or_default());
        omissions.iter().any(|omission| {
            let object = omission["object"].as_str().unwrap_or_default();
            let words = ["index ", "unique index ", "unique constraint "];
            omission["table"].as_str() == table
                && words
                    .iter()
                    .any(|word| object.strip_prefix(word) == Some(index))
        })
    };
    let made = parts.iter().filter(|part| !left_out(part));
    i64::try_from(made.count()).expect("few")
}
