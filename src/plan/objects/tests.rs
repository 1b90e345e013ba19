//! What is planned for the objects of small databases.

mod bound;

use crate::config::job::Job;
use crate::config::parse;
use crate::plan::build::{Planned, build};
use crate::plan::object::IndexKind;
use crate::plan::sample;
use crate::plan::table::TablePlan;
use tsql::schema::objects::{Action, Check, DefaultConstraint, ForeignKey, Sequence, View};
use tsql::schema::{Database, Index, IndexColumn, IndexRole, SqlType, Table};
use tsql::typemap::TargetTypes;

fn job(more: &str) -> Job {
    let text = format!(
        "source: {{host: a, database: S, user: u, password: p}}\n\
         target: {{host: b, database: t, user: u, password: p}}\n{more}\n"
    );
    parse(&text, "j", &|_| None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(super) fn database(tables: Vec<Table>) -> Database {
    Database {
        name: "S".into(),
        server: "s".into(),
        guid: None,
        version: "16".into(),
        collation: "SQL_Latin1_General_CP1_CI_AS".into(),
        snapshot_isolation: false,
        frozen: false,
        select_on_all: Some(true),
        last_rowversion: None,
        tables,
        sequences: Vec::new(),
        views: Vec::new(),
        synonyms: Vec::new(),
        functions: Vec::new(),
        modules: Vec::new(),
        code_pages: Default::default(),
        hidden_sequences: Vec::new(),
        filters_hidden: false,
        inventory: Vec::new(),
    }
}

/// `Id int` as primary key, `Name nvarchar(50)` and `Big nvarchar(max)`, both nullable.
fn table(name: &str) -> Table {
    let text = |name: &str, length| {
        let mut column = sample::column(name, SqlType::NVarChar { length });
        column.nullable = true;
        column.collation = Some("SQL_Latin1_General_CP1_CI_AS".into());
        column
    };
    let columns = vec![
        sample::column("Id", SqlType::Int),
        text("Name", Some(50)),
        text("Big", None),
    ];
    let mut table = sample::table(columns, vec![sample::primary_key("PK", &["Id"])], 10);
    table.name = name.into();
    table
}

fn index(name: &str, columns: &[&str]) -> Index {
    let key = columns.iter().map(|column| IndexColumn {
        column: (*column).into(),
        descending: false,
    });
    Index {
        name: name.into(),
        role: IndexRole::Index,
        unique: false,
        clustered: false,
        key: key.collect(),
        ..sample::primary_key(name, &[])
    }
}

fn foreign_key(name: &str, to: &str) -> ForeignKey {
    ForeignKey {
        name: name.into(),
        columns: vec!["Id".into()],
        referenced_schema: "dbo".into(),
        referenced_table: to.into(),
        referenced_columns: vec!["Id".into()],
        on_delete: Action::NoAction,
        on_update: Action::Cascade,
        disabled: false,
        not_trusted: false,
    }
}

fn plan(database: &Database, more: &str) -> Planned {
    build(database, &job(more), TargetTypes::default())
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn one(table: Table) -> TablePlan {
    plan(&database(vec![table]), "").tables.remove(0)
}

fn omitted(plan: &TablePlan) -> Vec<(&str, &str)> {
    let all = plan.omissions.iter();
    all.map(|one| (one.object.as_str(), one.reason.as_str()))
        .collect()
}

#[test]
fn an_index_keeps_what_postgresql_can_hold() {
    let mut table = table("T");
    let mut wide = index("IX_Wide", &["Name"]);
    wide.included = vec!["Id".into(), "Big".into()];
    wide.key[0].descending = true;
    let mut off = index("IX_Off", &["Name"]);
    off.disabled = true;
    let mut column = index("CS", &["Name"]);
    (column.rowstore, column.kind) = (false, "columnstore".into());
    table.indexes.extend([wide, off, column]);
    let plan = one(table);
    let [wide] = &plan.objects.indexes[..] else {
        panic!("{:?}", plan.objects.indexes);
    };
    assert_eq!(
        (wide.kind, wide.name.as_str()),
        (IndexKind::Plain, "ix_wide")
    );
    assert_eq!(
        (wide.key[0].column.as_str(), wide.key[0].descending),
        ("name", true)
    );
    assert_eq!(
        wide.included,
        ["id"],
        "a column without bound would end the load"
    );
    let omitted = omitted(&plan);
    assert!(
        omitted[0]
            .0
            .contains("included column Big of index IX_Wide"),
        "{omitted:?}"
    );
    assert!(omitted[1].1.contains("disabled"), "{omitted:?}");
    assert!(omitted[2].1.contains("BRIN"), "{omitted:?}");
}

/// 4000 letters of an included column once ended a load at its index.
#[test]
fn included_columns_are_kept_as_long_as_every_row_fits() {
    let mut table = table("T");
    for (name, length) in [("Most", 800), ("Over", 100), ("Short", 20)] {
        let ty = SqlType::NVarChar {
            length: Some(length),
        };
        table.columns.push(sample::column(name, ty));
    }
    let mut wide = index("IX_Wide", &["Id"]);
    wide.included = vec!["Most".into(), "Over".into(), "Short".into()];
    table.indexes.push(wide);
    let plan = one(table);
    assert_eq!(plan.objects.indexes[0].included, ["most", "short"]);
    let omitted = omitted(&plan);
    assert_eq!(omitted.len(), 1, "{omitted:?}");
    assert!(omitted[0].0.contains("included column Over"), "{omitted:?}");
}

#[test]
fn one_null_counts_only_where_null_can_be() {
    let unique = |column: &str, filter: Option<&str>| {
        let mut table = table("T");
        table.indexes.push(Index {
            unique: true,
            filter: filter.map(str::to_owned),
            ..index("UX", &[column])
        });
        one(table).objects.indexes.first().map(|index| index.kind)
    };
    let kind = |one_null| Some(IndexKind::Unique { one_null });
    assert_eq!(unique("Name", None), kind(true));
    assert_eq!(unique("Id", None), kind(false));
    assert_eq!(unique("Name", Some("([Name] IS NOT NULL)")), kind(false));
}

#[test]
fn names_are_each_once_in_their_schema() {
    let mut first = table("A");
    let mut second = table("B");
    for table in [&mut first, &mut second] {
        table.indexes.push(index("IX_Name", &["Name"]));
    }
    second.indexes.push(index("a", &["Name"]));
    let planned = plan(&database(vec![first, second]), "");
    let names: Vec<_> = planned
        .tables
        .iter()
        .flat_map(|table| &table.objects.indexes)
        .map(|index| index.name.as_str())
        .collect();
    assert_eq!(names, ["ix_name", "ix_name_2", "a_2"]);
    let told = planned.tables[1].notes.join(";");
    assert!(told.contains("index IX_Name is named ix_name_2"), "{told}");
}

#[test]
fn a_foreign_key_needs_both_of_its_ends() {
    let mut child = table("Child");
    child.extras.foreign_keys = vec![
        foreign_key("FK_Gone", "Gone"),
        foreign_key("FK_Parent", "Parent"),
        ForeignKey {
            referenced_columns: vec!["Name".into()],
            ..foreign_key("FK_Loose", "Parent")
        },
        ForeignKey {
            disabled: true,
            ..foreign_key("FK_Off", "Child")
        },
    ];
    let tables = vec![child, table("Gone"), table("Parent")];
    let only = "tables: {include: ['dbo.Child', 'dbo.Parent']}";
    let planned = plan(&database(tables.clone()), only);
    let child = &planned.tables[0];
    let made = child.objects.foreign_keys.iter();
    let made: Vec<_> = made.map(|key| (key.name.as_str(), key.valid)).collect();
    assert_eq!(made, [("fk_parent", true), ("fk_off", false)]);
    let omitted = omitted(child);
    assert!(
        omitted[0].1.contains("dbo.Gone, which the job leaves out"),
        "{omitted:?}"
    );
    assert!(
        omitted[1].1.contains("not unique in PostgreSQL"),
        "{omitted:?}"
    );
    assert!(
        child
            .notes
            .iter()
            .any(|note| note.contains("FK_Off is disabled"))
    );
    let none = plan(&database(tables), "schema: {foreign_keys: false}");
    assert!(none.tables[0].objects.foreign_keys.is_empty() && none.tables[0].omissions.is_empty());
}

#[test]
fn what_does_not_translate_is_listed_with_its_text_unless_the_job_says_so() {
    let mut table = table("T");
    table.extras.checks = vec![
        Check {
            name: "CK_Call".into(),
            definition: Some("([dbo].[f]([Id])=(1))".into()),
            disabled: false,
            not_trusted: false,
        },
        Check {
            name: "CK_Hidden".into(),
            definition: None,
            disabled: false,
            not_trusted: false,
        },
    ];
    table.columns[1].extras.default = Some(DefaultConstraint {
        name: "DF_Call".into(),
        definition: Some("([dbo].[f]())".into()),
    });
    table.columns[2].computed = Some("([dbo].[f]([Id]))".into());
    let database = database(vec![table]);
    let strict = plan(&database, "").tables.remove(0);
    let texts = strict
        .omissions
        .iter()
        .filter_map(|one| one.text.as_deref());
    let texts: Vec<_> = texts.collect();
    assert_eq!(texts.len(), 3, "{:?}", strict.omissions);
    assert!(texts.contains(&"([dbo].[f]([Id])=(1))"));
    assert_eq!(strict.omissions.len(), 4, "a hidden definition has no text");
    assert_eq!(strict.columns.len(), 3, "the computed one is copied");
    let ignored = plan(&database, "schema: {untranslated: ignore}")
        .tables
        .remove(0);
    let left: Vec<_> = omitted(&ignored).iter().map(|one| one.0).collect();
    assert_eq!(left, ["check CK_Hidden"]);
    assert_eq!(
        ignored
            .notes
            .iter()
            .filter(|note| note.contains("not translated"))
            .count(),
        3
    );
}

#[test]
fn icu_collations_are_for_columns_that_keys_depend_on() {
    let mut table = table("T");
    table.indexes.push(Index {
        unique: true,
        ..index("UX", &["Name"])
    });
    let database = database(vec![table]);
    let planned = plan(&database, "schema: {collations: icu}");
    let collations: Vec<_> = planned.tables[0]
        .columns
        .iter()
        .filter_map(|column| column.clauses.collation.as_deref())
        .collect();
    assert_eq!(
        collations,
        ["sql_latin1_general_cp1_ci_as"],
        "Big is in no key"
    );
    assert_eq!(planned.collations.len(), 1);
    assert_eq!(planned.collations[0].locale, "und-u-ks-level2");
    assert!(plan(&database, "").collations.is_empty());
}

#[test]
fn columns_are_renamed_and_collide_while_planning() {
    let rename = |to: &str| {
        format!("tables: {{overrides: {{dbo.T: {{columns: {{rename: {{Name: {to}}}}}}}}}}}")
    };
    let database = database(vec![table("T")]);
    let planned = plan(&database, &rename("Label"));
    assert_eq!(planned.tables[0].columns[1].target_name, "Label");
    for (to, said) in [("id", "both be named id"), ("ctid", "of its own")] {
        let problems = build(&database, &job(&rename(to)), TargetTypes::default()).unwrap_err();
        assert!(problems[0].to_string().contains(said), "{}", problems[0]);
    }
}

fn sequence(ty: SqlType, minimum: i128, maximum: i128) -> Sequence {
    Sequence {
        schema: "dbo".into(),
        name: "Seq".into(),
        ty,
        start: 1,
        increment: 1,
        minimum,
        maximum,
        cycle: false,
        cache: None,
        last_value: 1,
        used: None,
    }
}

#[test]
fn sequences_get_the_type_that_holds_them() {
    let planned = |sequence: Sequence, more: &str| {
        let mut database = database(vec![table("T")]);
        database.sequences.push(sequence);
        plan(&database, more)
    };
    let tiny = planned(sequence(SqlType::TinyInt, 0, 255), "");
    assert_eq!(
        (tiny.sequences[0].ty.as_str(), tiny.sequences[0].maximum),
        ("smallint", 255)
    );
    assert!(
        tiny.sequences[0].used,
        "an old server does not tell, and skipping one is safe"
    );
    let wide = SqlType::Decimal {
        precision: 38,
        scale: 0,
    };
    let most = 10_i128.pow(38) - 1;
    let clipped = planned(sequence(wide.clone(), -most, most), "");
    assert_eq!(clipped.sequences[0].maximum, i64::MAX);
    assert!(
        clipped.notes[1..]
            .iter()
            .chain(&clipped.notes)
            .any(|note| note.contains("ends at the bounds"))
    );
    let far = Sequence {
        last_value: most,
        ..sequence(wide, -most, most)
    };
    let far = planned(far, "");
    assert!(far.sequences.is_empty() && far.omissions[0].1.reason.contains("last value"));
    assert!(
        planned(sequence(SqlType::Int, 1, 9), "schema: {sequences: false}")
            .sequences
            .is_empty()
    );
}

/// What the views that are made read. Tables by schema and name, views by schema and query.
fn views(tables: &[(&str, &str)], views: &[(&str, &str, &[&str])]) -> Vec<String> {
    let tables = tables
        .iter()
        .map(|(schema, name)| {
            let mut table = table(name);
            table.schema = (*schema).into();
            table
        })
        .collect();
    let mut database = database(tables);
    database.views = views
        .iter()
        .map(|(schema, query, reads)| View {
            schema: (*schema).into(),
            name: "V".into(),
            definition: Some(format!("CREATE VIEW [{schema}].[V] AS {query}")),
            reads: reads.iter().map(|read| (*read).to_owned()).collect(),
            calls: Vec::new(),
            quoted_identifiers: true,
            indexed: false,
            columns: Vec::new(),
            indexes: Vec::new(),
        })
        .collect();
    let job = job("schema: {views: try, names: preserve}");
    let planned = build(&database, &job, TargetTypes::default()).unwrap();
    let from = |query: &str| query.split_once("FROM ").map(|(_, from)| from.to_owned());
    planned
        .views
        .iter()
        .filter_map(|view| from(&view.query))
        .collect()
}

#[test]
fn a_name_in_a_view_is_of_the_views_own_schema_first() {
    let both = [("sales", "Orders"), ("dbo", "Orders")];
    let query = "SELECT Id FROM Orders";
    let of = |reads: &[&str]| views(&both, &[("sales", query, reads)]);
    assert_eq!(of(&["sales.Orders"]), [r#""sales"."Orders" AS "Orders""#]);
    assert_eq!(of(&[]), [r#""sales"."Orders" AS "Orders""#]);
    let fallen = |reads: &[&str]| views(&both[1..], &[("sales", query, reads)]);
    assert_eq!(
        fallen(&["dbo.Orders"]),
        [r#""public"."Orders" AS "Orders""#]
    );
    // The one of the own schema is there and not moved, or not known.
    assert!(fallen(&["sales.Orders"]).is_empty());
    assert!(fallen(&[]).is_empty());
}

#[test]
fn a_name_in_a_view_is_looked_for_in_its_own_case_first() {
    let both = [("dbo", "Items"), ("dbo", "ITEMS")];
    for (name, expected) in [
        ("Items", r#""public"."Items" AS "Items""#),
        ("ITEMS", r#""public"."ITEMS" AS "ITEMS""#),
    ] {
        let query = format!("SELECT Id FROM dbo.{name}");
        let read = format!("dbo.{name}");
        assert_eq!(views(&both, &[("dbo", &query, &[&read])]), [expected]);
    }
    let query = "SELECT Id FROM dbo.items";
    assert!(views(&both, &[("dbo", query, &[])]).is_empty());
    assert_eq!(
        views(&both[..1], &[("dbo", query, &["dbo.Items"])]).len(),
        1
    );
}

#[test]
fn what_the_server_only_names_is_left_out_by_name() {
    let mut source = table("T");
    source.others.push(tsql::schema::OtherObject {
        kind: "default".into(),
        name: "DF_Hidden".into(),
    });
    let mut database = database(vec![source]);
    database.hidden_sequences.push("dbo.Numbers".into());
    let planned = build(&database, &job(""), TargetTypes::default()).unwrap();
    let of_table = planned.tables[0]
        .omissions
        .iter()
        .map(|o| o.object.as_str());
    assert_eq!(of_table.collect::<Vec<_>>(), ["default DF_Hidden"]);
    let (owner, omission) = &planned.omissions[0];
    assert_eq!(
        (owner.as_str(), omission.object.as_str()),
        ("dbo.Numbers", "sequence dbo.Numbers")
    );
    let without = job("schema: { defaults: false, sequences: false }");
    let planned = build(&database, &without, TargetTypes::default()).unwrap();
    assert!(planned.omissions.is_empty() && planned.tables[0].omissions.is_empty());
}
