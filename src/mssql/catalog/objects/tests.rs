//! Rows of the catalog as SQL Server documents them, and what comes of them.

use super::*;
use crate::mssql::catalog::row::samples;
use tsql::schema::{Column, Identity, SqlType};

fn answers() -> ObjectAnswers {
    ObjectAnswers {
        foreign_keys: samples(&[
            "7|71|FK_Z|dbo|Parents|1|2|0|0",
            "7|72|FK_A|sales|Other|0|3|1|1",
            "7|73|FK_without_columns|sales|Other|0|0|0|0",
        ]),
        foreign_key_columns: samples(&["71|2|B|Y", "71|1|A|X", "72|1|A|Id"]),
        checks: samples(&["7|CK_Z|([A]>(0))|0|1", "7|CK_B|NULL|1|1"]),
        defaults: samples(&["7|3|DF_C|(getdate())", "7|4|DF_D|NULL"]),
        comments: samples(&["7|0|of the table", "7|3|of a column", "7|4|"]),
        special: samples(&["7|3|1|0|0", "7|4|0|1|0", "7|5|0|0|1", "7|6|0|0|2"]),
        temporal: samples(&["7|2|dbo|T_History", "8|1|NULL|NULL"]),
        full_text: samples(&["8"]),
        bound_defaults: samples(&["7|5|dbo|Today|CREATE DEFAULT Today AS getdate()"]),
        bound_rules: samples(&["7|5|NULL|NULL|NULL", "8|1|app|Positive|NULL"]),
        partitioned: samples(&["8|ByYear"]),
        partition_functions: samples(&["8|Years|Day|12|2024-05-06T07:08:09.123"]),
        ..ObjectAnswers::default()
    }
}

#[test]
fn what_hangs_on_a_table_comes_in_its_order() {
    let mut attached = Attached::new(&answers());
    let extras = attached.table(7);
    let keys: Vec<_> = extras.foreign_keys.iter().collect();
    assert_eq!(keys.len(), 2, "one has no columns");
    assert_eq!((&*keys[0].name, keys[0].disabled), ("FK_A", true));
    assert_eq!(keys[0].on_update, Action::SetDefault);
    assert_eq!(keys[1].columns, ["A", "B"]);
    assert_eq!(keys[1].referenced_columns, ["X", "Y"]);
    assert_eq!(
        (keys[1].on_delete, keys[1].on_update),
        (Action::Cascade, Action::SetNull)
    );
    let checks: Vec<_> = extras.checks.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(checks, ["CK_B", "CK_Z"]);
    assert_eq!(extras.checks[0].definition, None);
    assert_eq!(extras.comment.as_deref(), Some("of the table"));
    assert_eq!(attached.comment((7, 3)).as_deref(), Some("of a column"));
    assert_eq!(attached.comment((7, 4)), None, "an empty comment is none");
    assert_eq!(
        extras.temporal,
        Some(Temporal::Current {
            history: Some("dbo.T_History".into())
        })
    );
    assert_eq!(attached.table(8).temporal, Some(Temporal::History));
    assert!(attached.has_full_text(8) && !attached.has_full_text(7));
    let default = attached.default((7, 3)).unwrap();
    assert_eq!(default.definition.as_deref(), Some("(getdate())"));
    assert_eq!(attached.default((7, 4)).unwrap().definition, None);
}

#[test]
fn bound_defaults_and_rules_are_with_their_columns() {
    let mut attached = Attached::new(&answers());
    let bound = attached.bound((7, 5));
    let kinds: Vec<_> = bound.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [BoundKind::Default, BoundKind::Rule]);
    assert_eq!(bound[0].name.as_deref(), Some("dbo.Today"));
    let text = bound[0].definition.as_deref();
    assert_eq!(text, Some("CREATE DEFAULT Today AS getdate()"));
    assert_eq!(bound[1].name, None, "the login may not see it");
    let rule = &attached.bound((8, 1))[0];
    assert_eq!(rule.name.as_deref(), Some("app.Positive"));
    assert!(attached.bound((7, 1)).is_empty());
    let stored = attached.table(8);
    assert_eq!(stored.partition_scheme.as_deref(), Some("ByYear"));
    let function = PartitionFunction {
        name: "Years".into(),
        column: "Day".into(),
        partitions: 12,
        version: "2024-05-06T07:08:09.123".into(),
    };
    assert_eq!(stored.partition_function, Some(function));
    assert_eq!(attached.table(7).partition_scheme, None);
}

/// A blank keeps a sample's cell a text, as the server's nvarchar is.
#[test]
fn sequences_tell_whether_they_were_used() {
    let types = Types::new(&samples(&["56|56|int|0|0|sys"]));
    let sequence = |current: &str, used: &str| {
        let line = format!("dbo|S|56|56|10| 5| 2| -9| 99|1|1|20|{current}|{used}");
        let answers = ObjectAnswers {
            sequences: samples(&[&line]),
            ..ObjectAnswers::default()
        };
        sequences(&answers, &types).unwrap().remove(0)
    };
    let fresh = sequence(" 5", "0");
    assert_eq!((fresh.start, fresh.increment), (5, 2));
    assert_eq!(
        (fresh.minimum, fresh.maximum, fresh.cache),
        (-9, 99, Some(20))
    );
    assert!(fresh.cycle);
    assert_eq!(fresh.used, Some(false));
    assert_eq!(
        sequence(" 5", "NULL").used,
        None,
        "an old server does not tell"
    );
    assert_eq!(sequence(" 7", "NULL").used, Some(true));
    assert_eq!(sequence(" 5", "1").used, Some(true));
}

/// `sys.objects` tells of what its own view may be refused for.
#[test]
fn what_is_known_by_name_only_is_not_lost() {
    let answers = ObjectAnswers {
        named: samples(&[
            "dbo|V |Seen",
            "dbo|V |Hidden",
            "dbo|SO|Numbers",
            "dbo|SO|t_id_seq",
        ]),
        ..ObjectAnswers::default()
    };
    let seen: Vec<_> = named(&answers, "V").collect();
    assert_eq!(seen, [("dbo", "Seen"), ("dbo", "Hidden")]);
    let id = Column {
        name: "Id".into(),
        ty: SqlType::Int,
        nullable: false,
        identity: Some(Identity {
            seed: 1,
            increment: 1,
            last_value: None,
        }),
        computed: None,
        collation: None,
        code_page: None,
        masked: false,
        extras: Default::default(),
    };
    let table = Table {
        object_id: 7,
        schema: "dbo".into(),
        name: "T".into(),
        columns: vec![id],
        indexes: Vec::new(),
        others: Vec::new(),
        extras: TableExtras::default(),
        estimated_rows: 0,
        estimated_bytes: 0,
        filtered_by_policy: false,
        memory_optimized: false,
    };
    let mut database = Database {
        name: "S".into(),
        server: String::new(),
        guid: None,
        version: String::new(),
        collation: String::new(),
        snapshot_isolation: false,
        frozen: false,
        select_on_all: None,
        last_rowversion: None,
        tables: vec![table],
        sequences: Vec::new(),
        views: Vec::new(),
        synonyms: Vec::new(),
        functions: Vec::new(),
        modules: Vec::new(),
        code_pages: Default::default(),
        hidden_sequences: Vec::new(),
        filters_hidden: false,
        inventory: Vec::new(),
    };
    assert_eq!(hidden_sequences(&answers, &database), ["dbo.Numbers"]);
    database.tables.clear();
    assert_eq!(hidden_sequences(&answers, &database).len(), 2);
}
