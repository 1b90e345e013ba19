//! Views and functions of a small database: what is made, in which order, and why not.

use crate::config::parse;
use crate::plan::build::{Planned, build};
use crate::plan::sample;
use crate::plan::view::ViewForm;
use tsql::schema::modules::{Function, Module, ModuleKind, Parameter, Returns, Synonym};
use tsql::schema::objects::{Check, RecordedColumn, View};
use tsql::schema::{Database, Index, IndexColumn, IndexRole, SqlType, Table};
use tsql::typemap::TargetTypes;

/// `dbo.T` with `Id int` as primary key, `Name nvarchar(50)`, `Price decimal(10,2)`.
fn table(name: &str) -> Table {
    let mut text = sample::column("Name", SqlType::NVarChar { length: Some(50) });
    text.nullable = true;
    text.collation = Some("SQL_Latin1_General_CP1_CI_AS".into());
    let price = SqlType::Decimal {
        precision: 10,
        scale: 2,
    };
    let columns = vec![
        sample::column("Id", SqlType::Int),
        text,
        sample::column("Price", price),
    ];
    let mut table = sample::table(columns, vec![sample::primary_key("PK", &["Id"])], 10);
    table.name = name.into();
    table
}

fn view(name: &str, query: &str, reads: &[&str]) -> View {
    View {
        schema: "dbo".into(),
        name: name.into(),
        definition: Some(format!("CREATE VIEW dbo.{name} AS {query}")),
        reads: reads.iter().map(|one| format!("dbo.{one}")).collect(),
        calls: Vec::new(),
        quoted_identifiers: true,
        indexed: false,
        columns: Vec::new(),
        indexes: Vec::new(),
    }
}

fn function(name: &str, text: &str, returns: Returns) -> Function {
    Function {
        schema: "dbo".into(),
        name: name.into(),
        definition: Some(format!("CREATE FUNCTION dbo.{name} {text}")),
        parameters: Vec::new(),
        returns,
        reads: Vec::new(),
        calls: Vec::new(),
        quoted_identifiers: true,
        null_on_null_input: false,
    }
}

/// `dbo.Net(@price)`, which reads no table.
fn net() -> Function {
    let text = "(@price int) RETURNS int AS BEGIN RETURN @price + 1 END";
    let parameters = vec![Parameter {
        name: "@price".into(),
        ty: SqlType::Int,
    }];
    Function {
        parameters,
        ..function("Net", text, Returns::Value(Some(SqlType::Int)))
    }
}

fn recorded(name: &str, ty: SqlType) -> RecordedColumn {
    RecordedColumn {
        name: name.into(),
        ty,
        collation: None,
        nullable: true,
    }
}

fn database(views: Vec<View>, functions: Vec<Function>) -> Database {
    Database {
        views,
        functions,
        ..crate::plan::objects::tests::database(vec![table("T"), table("U")])
    }
}

fn plan(database: &Database, schema: &str) -> Planned {
    let text = format!(
        "source: {{host: a, database: S, user: u, password: p}}\n\
         target: {{host: b, database: t, user: u, password: p, schemas: {{dbo: public}}}}\n\
         tables: {{exclude: ['dbo.U']}}\nschema: {{views: try{schema}}}\n"
    );
    let job = parse(&text, "j", &|_| None).expect("a job");
    build(database, &job, TargetTypes::default()).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn made(planned: &Planned) -> Vec<&str> {
    let views = planned.views.iter();
    views.map(|view| view.source.as_str()).collect()
}

fn reason(planned: &Planned, owner: &str) -> String {
    let mut omissions = planned.omissions.iter();
    let found = omissions.find(|(name, _)| name == owner);
    found.map_or_else(String::new, |(_, omission)| omission.reason.clone())
}

#[test]
fn views_come_after_what_they_read_and_go_with_it() {
    let lost = "SELECT Id FROM dbo.T OPTION (NOPE)";
    let planned = plan(
        &database(
            vec![
                view("A", "SELECT Id FROM dbo.B", &["B"]),
                view("B", "SELECT Id FROM dbo.T", &["T"]),
                view("C", lost, &["T"]),
                view("D", "SELECT Id FROM dbo.C", &["C"]),
                view("E", "SELECT Id FROM dbo.D", &["D"]),
                view("F", "SELECT Id FROM dbo.U", &["U"]),
            ],
            Vec::new(),
        ),
        "",
    );
    assert_eq!(made(&planned), ["dbo.B", "dbo.A"]);
    let fault = reason(&planned, "dbo.C");
    let fault = fault
        .strip_prefix("not translated: ")
        .expect("its own fault");
    assert_eq!(
        reason(&planned, "dbo.D"),
        format!("it reads view dbo.C, which is left out: {fault}")
    );
    assert_eq!(
        reason(&planned, "dbo.E"),
        format!("it reads view dbo.D, which is left out because of view dbo.C: {fault}")
    );
    assert_eq!(
        reason(&planned, "dbo.F"),
        "it reads table dbo.U, which the job leaves out (tables.include, tables.exclude)"
    );
}

#[test]
fn a_synonym_is_what_it_stands_for() {
    let mut database = database(
        vec![view("V", "SELECT s.Id FROM dbo.S AS s", &["T"])],
        Vec::new(),
    );
    database.synonyms.push(Synonym {
        schema: "dbo".into(),
        name: "S".into(),
        base: "[dbo].[T]".into(),
        stands_for: Some(("dbo".into(), "T".into())),
    });
    let planned = plan(&database, "");
    assert!(
        planned.views[0].query.contains("\"public\".\"t\""),
        "{planned:#?}"
    );
}

#[test]
fn a_function_is_made_if_something_calls_it() {
    let call = View {
        calls: vec!["dbo.Net".into()],
        ..view("V", "SELECT dbo.Net(Id) AS n FROM dbo.T", &["T"])
    };
    let unused = function(
        "Unused",
        "() RETURNS int AS BEGIN RETURN 1 END",
        Returns::Value(Some(SqlType::Int)),
    );
    let both = database(vec![call.clone()], vec![net(), unused]);
    let planned = plan(&both, "");
    let names = |planned: &Planned| -> Vec<String> {
        planned
            .functions
            .iter()
            .map(|one| one.source.clone())
            .collect()
    };
    assert_eq!(names(&planned), ["dbo.Net"]);
    let net_plan = &planned.functions[0];
    assert_eq!(net_plan.parameters, ["\"price\" integer"]);
    assert_eq!(
        (net_plan.returns.as_str(), net_plan.after_views),
        ("integer", None)
    );
    assert!(planned.views[0].query.contains("\"public\".\"net\"("));
    assert_eq!(
        names(&plan(&both, ", functions: try")),
        ["dbo.Net", "dbo.Unused"]
    );
    let without = plan(&both, ", functions: none");
    assert_eq!(
        reason(&without, "dbo.V"),
        "it calls function dbo.Net, which is left out: schema.functions is none"
    );
    // A function of another type than its catalog says is none that is known.
    let other = Function {
        returns: Returns::Value(Some(SqlType::BigInt)),
        ..net()
    };
    let planned = plan(&database(vec![call], vec![other]), "");
    let why = reason(&planned, "dbo.V");
    assert!(
        why.contains("function dbo.Net") && why.contains("bigint"),
        "{why}"
    );
    assert_eq!(planned.functions, []);
}

/// A check calls one that is made, one that does not translate, and one that reads a table.
#[test]
fn a_check_that_calls_a_function_is_made_or_names_it() {
    let text = "(@n int) RETURNS int AS BEGIN RETURN";
    let lost = function(
        "Lost",
        &format!("{text} NOPE(@n) END"),
        Returns::Value(Some(SqlType::Int)),
    );
    let reading = Function {
        reads: vec!["dbo.T".into()],
        ..function(
            "Reading",
            &format!("{text} (SELECT MAX(Id) FROM dbo.T) END"),
            Returns::Value(Some(SqlType::Int)),
        )
    };
    let mut database = database(Vec::new(), vec![net(), lost, reading]);
    for name in ["Net", "Lost", "Reading"] {
        database.tables[0].extras.checks.push(Check {
            name: format!("CK_{name}"),
            definition: Some(format!("([dbo].[{name}]([Id])>(0))")),
            disabled: false,
            not_trusted: false,
        });
    }
    let planned = plan(&database, "");
    let table = &planned.tables[0];
    let [made] = &table.objects.checks[..] else {
        panic!("{:#?}", table.objects.checks);
    };
    assert!(
        made.expression.contains("\"public\".\"net\"("),
        "{}",
        made.expression
    );
    assert_eq!(planned.functions.len(), 1);
    let reasons: Vec<_> = table
        .omissions
        .iter()
        .map(|one| one.reason.as_str())
        .collect();
    let lost = "not translated: it calls function dbo.lost, which is left out: ";
    assert!(reasons[0].starts_with(lost), "{reasons:?}");
    assert!(
        reasons[1].ends_with("it reads tables, which are made before it"),
        "{reasons:?}"
    );
}

#[test]
fn a_table_function_comes_between_the_views_that_it_reads_and_that_read_it() {
    let rows = Function {
        reads: vec!["dbo.A".into()],
        ..function(
            "Rows",
            "(@id int) RETURNS TABLE AS RETURN (SELECT Id FROM dbo.A WHERE Id > @id)",
            Returns::Rows(vec![recorded("Id", SqlType::Int)]),
        )
    };
    let views = vec![
        view("V", "SELECT r.Id FROM dbo.Rows(5) AS r", &["Rows"]),
        view("A", "SELECT Id FROM dbo.T", &["T"]),
    ];
    let planned = plan(&database(views, vec![rows]), "");
    assert_eq!(
        made(&planned),
        ["dbo.A", "dbo.V"],
        "{:#?}",
        planned.omissions
    );
    let function = &planned.functions[0];
    assert_eq!(function.after_views, Some(1), "after dbo.A");
    assert_eq!(function.returns, "TABLE (\"id\" integer)");
}

#[test]
fn a_column_of_another_type_than_the_source_has_refuses_its_view() {
    let mut typed = view("V", "SELECT Id AS n FROM dbo.T", &["T"]);
    typed.columns = vec![recorded("n", SqlType::BigInt)];
    let planned = plan(&database(vec![typed], Vec::new()), "");
    let why = reason(&planned, "dbo.V");
    assert!(
        why.contains("column n, which is bigint at the source"),
        "{why}"
    );
    assert!(why.contains("would be int"), "{why}");
}

#[test]
fn an_indexed_view_is_materialized_if_the_job_asks() {
    let mut indexed = view("V", "SELECT Id, Name FROM dbo.T", &["T"]);
    indexed.indexed = true;
    let index = |name: &str, column: &str, unique| Index {
        role: IndexRole::Index,
        unique,
        key: vec![IndexColumn {
            column: column.into(),
            descending: false,
        }],
        ..sample::primary_key(name, &[])
    };
    indexed.indexes = vec![index("IX_Name", "Name", false), index("UC", "Id", true)];
    let database = database(vec![indexed], Vec::new());
    let plain = plan(&database, "");
    assert_eq!(plain.views[0].form, ViewForm::Plain);
    assert!(
        plain
            .notes
            .iter()
            .any(|note| note.contains("schema.indexed_views"))
    );
    let planned = plan(&database, ", indexed_views: materialized");
    let view = &planned.views[0];
    assert_eq!(view.form, ViewForm::Materialized);
    let names: Vec<_> = view.indexes.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["uc", "ix_name"]);
    assert!(view.indexes[0].is_unique());
    assert!(planned.notes.iter().any(|note| note.contains("REFRESH")));
}

#[test]
fn a_check_option_is_kept_where_postgresql_has_it() {
    let checked = |name, from: &str| {
        let query = format!("SELECT t.Id FROM {from} WHERE t.Id > 1 WITH CHECK OPTION");
        view(name, &query, &["T"])
    };
    let joined = "dbo.T AS t JOIN dbo.T AS u ON u.Id = t.Id";
    let views = vec![checked("One", "dbo.T AS t"), checked("Two", joined)];
    let planned = plan(&database(views, Vec::new()), "");
    let forms: Vec<_> = planned.views.iter().map(|view| view.form).collect();
    assert_eq!(forms, [ViewForm::Checked, ViewForm::Plain]);
    let note = "view dbo.Two is made without its WITH CHECK OPTION";
    assert!(planned.notes.iter().any(|one| one.starts_with(note)));
}

/// No column has the collation in the target, and the view compares by it.
#[test]
fn a_view_that_compares_texts_gets_its_collation() {
    let query = "SELECT a.Id FROM dbo.T AS a JOIN dbo.T AS b ON a.Name = b.Name";
    let database = database(vec![view("V", query, &["T"])], Vec::new());
    assert_eq!(plan(&database, "").collations, []);
    let planned = plan(&database, ", collations: icu");
    let made: Vec<_> = planned
        .collations
        .iter()
        .map(|one| (one.schema.as_str(), one.name.as_str(), one.locale.as_str()))
        .collect();
    let name = "sql_latin1_general_cp1_ci_as";
    assert_eq!(made, [("public", name, "und-u-ks-level2")]);
    let used = format!("COLLATE \"public\".\"{name}\"");
    assert!(
        planned.views[0].query.contains(&used),
        "{}",
        planned.views[0].query
    );
}

#[test]
fn instead_of_triggers_are_told_with_their_view() {
    let mut database = database(vec![view("V", "SELECT Id FROM dbo.T", &["T"])], Vec::new());
    database.modules.push(Module {
        kind: ModuleKind::Trigger,
        schema: "dbo".into(),
        name: "Writes".into(),
        parent: Some("dbo.V".into()),
        instead_of: true,
        definition: None,
    });
    let planned = plan(&database, "");
    assert!(
        planned
            .notes
            .iter()
            .any(|note| note.contains("INSTEAD OF") && note.contains("Writes"))
    );
}
