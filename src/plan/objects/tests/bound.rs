//! What is planned for alias types, what is bound to columns, and partition schemes.

use super::{build, database, job, omitted, one, plan, table};
use crate::plan::table::TablePlan;
use tsql::names::qualified;
use tsql::schema::Identity;
use tsql::schema::objects::{AliasType, Bound, BoundKind};
use tsql::typemap::{PgType, TargetTypes};

fn alias(name: &str) -> Option<AliasType> {
    Some(AliasType {
        schema: "sales".into(),
        name: name.into(),
    })
}

const DOMAIN: &str = "tables: { overrides: { dbo.T: { types: { Name: domain } } } }";

#[test]
fn an_alias_type_is_a_domain_where_the_job_asks_for_it() {
    let mut table = table("T");
    for column in &mut table.columns[..2] {
        column.extras.alias = alias("PhoneNumber");
    }
    let database = database(vec![table]);
    let plain = plan(&database, "");
    assert!(plain.domains.is_empty());
    let notes = plain.tables[0].notes.join("\n");
    assert!(
        notes.contains("column Name: of the alias type sales.PhoneNumber, made as its base type")
    );

    let planned = plan(&database, DOMAIN);
    let domain = &planned.domains[0];
    assert_eq!(planned.domains.len(), 1, "of column Name only");
    assert_eq!(domain.source, "sales.PhoneNumber");
    assert_eq!(qualified(&domain.target), "\"sales\".\"phonenumber\"");
    assert_eq!(domain.ty, PgType::VarChar(50));
    let column = |name: &str| planned.tables[0].column(name).unwrap();
    assert_eq!(column("Name").clauses.domain.as_ref(), Some(&domain.target));
    assert_eq!(column("Name").target_type, PgType::VarChar(50));
    assert_eq!(column("Id").clauses.domain, None);
}

/// For the job as a whole `domain` means the columns that have an alias type.
#[test]
fn a_type_of_the_job_makes_domains_of_alias_types_only() {
    let mut of_alias = table("T");
    of_alias.columns[1].extras.alias = alias("Phone Number");
    let planned = plan(
        &database(vec![of_alias, table("U")]),
        "types: { nvarchar: Domain }\nschema: { names: preserve }",
    );
    assert_eq!(planned.domains.len(), 1);
    assert_eq!(
        qualified(&planned.domains[0].target),
        "\"sales\".\"Phone Number\""
    );
    let problems = build(
        &database(vec![table("T")]),
        &job(DOMAIN),
        TargetTypes::default(),
    );
    let message = problems.unwrap_err()[0].to_string();
    assert!(
        message.contains("`domain` is for columns of an alias type"),
        "{message}"
    );
}

#[test]
fn an_identity_is_not_made_of_a_domain() {
    let mut table = table("T");
    table.columns[0].extras.alias = alias("Counter");
    table.columns[0].identity = Some(Identity {
        seed: 1,
        increment: 1,
        last_value: None,
    });
    let planned = plan(&database(vec![table]), "types: { int: domain }");
    assert!(planned.domains.is_empty());
    let notes = planned.tables[0].notes.join("\n");
    assert!(notes.contains("no identity on a domain"), "{notes}");
}

/// Each table is a type of its name in PostgreSQL.
#[test]
fn a_domain_and_a_table_of_one_name_collide() {
    let mut table = table("T");
    table.columns[1].extras.alias = Some(AliasType {
        schema: "dbo".into(),
        name: "t".into(),
    });
    let problems = build(&database(vec![table]), &job(DOMAIN), TargetTypes::default());
    let message = problems.unwrap_err()[0].to_string();
    assert!(
        message.contains("dbo.T and alias type dbo.t would both become")
            && message.contains("than `domain`"),
        "{message}"
    );
}

#[test]
fn what_is_bound_to_columns_is_left_out_with_its_text() {
    let mut table = table("T");
    table.columns[1].extras.bound = vec![
        Bound {
            kind: BoundKind::Default,
            name: Some("dbo.Unknown".into()),
            definition: Some("CREATE DEFAULT dbo.Unknown AS 'n/a'".into()),
        },
        Bound {
            kind: BoundKind::Rule,
            name: None,
            definition: None,
        },
    ];
    let bound = |planned: &TablePlan| -> Vec<_> {
        let omissions = planned.omissions.iter();
        omissions
            .map(|one| (one.object.clone(), one.text.clone()))
            .collect()
    };
    let database = database(vec![table]);
    let all = plan(&database, "");
    let text = Some("CREATE DEFAULT dbo.Unknown AS 'n/a'".to_owned());
    assert_eq!(
        bound(&all.tables[0]),
        [
            ("bound default dbo.Unknown of column Name".to_owned(), text),
            (
                "bound rule (which this login may not see) of column Name".to_owned(),
                None
            ),
        ]
    );
    let fewer = plan(&database, "schema: { defaults: false, checks: false }");
    assert!(fewer.tables[0].omissions.is_empty());
}

#[test]
fn a_partition_scheme_is_a_note_with_what_to_do_and_not_an_omission() {
    let mut table = table("T");
    table.extras.partition_scheme = Some("ByYear".into());
    let planned = one(table);
    assert!(planned.omissions.is_empty(), "{:?}", planned.omissions);
    let note = planned.notes.iter().find(|note| note.contains("ByYear"));
    assert!(note.unwrap().contains("transfer.mode append"), "{note:?}");
}

#[test]
fn an_identity_that_the_server_does_not_describe_is_listed() {
    let mut hidden = table("T");
    hidden.columns[0].extras.hidden_identity = true;
    let made = one(hidden.clone());
    let omissions = omitted(&made);
    assert!(
        omissions.iter().any(|(object, reason)| {
            *object == "identity of column Id" && reason.contains("seed")
        })
    );
    let planned = plan(&database(vec![hidden]), "schema: {identity: false}");
    assert_eq!(
        omitted(&planned.tables[0]),
        [],
        "the job does not ask for it"
    );
}
