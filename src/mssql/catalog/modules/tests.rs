//! Rows of the catalog as SQL Server documents them, and what comes of them.

use super::*;
use crate::mssql::catalog::row::samples;
use tsql::schema::SqlType;

fn types() -> Types {
    Types::new(&samples(&[
        "56|56|int|0|0|sys",
        "106|106|decimal|0|0|sys",
        "231|231|nvarchar|0|0|sys",
    ]))
}

fn answers() -> ModuleAnswers {
    ModuleAnswers {
        views: samples(&["9|dbo|Seen|CREATE VIEW Seen AS SELECT Id FROM T|0|1"]),
        reads: samples(&[
            "9|U |dbo|T",
            "9|U |dbo|T",
            "9|SN|dbo|Other",
            "9|SN|dbo|Far",
            "9|IF|dbo|Sums",
            "9|FN|dbo|Net",
            "31|U |dbo|T",
        ]),
        recorded: samples(&[
            "9|2|Name|231|231|80|0|0|1|Latin1_General_CI_AS",
            "9|1|Id|56|56|4|10|0|0|NULL",
            "31|1|Sum|106|106|17|38|2|1|NULL",
        ]),
        indexes: samples(&["9|2|IX_Name|2|0|0|0|0|0|NULL", "9|1|UC_Id|1|1|0|0|0|0|NULL"]),
        index_columns: samples(&["9|1|1|1|0|0|1", "9|2|2|1|1|0|1", "9|2|1|0|0|1|2"]),
        synonyms: samples(&["dbo|Other|[sales].[Orders]", "dbo|Far|[x].[dbo].[T]"]),
        modules: samples(&[
            "30|dbo|Net|FN|NULL|NULL|NULL|CREATE FUNCTION|1|1",
            "31|dbo|Sums|IF|NULL|NULL|NULL|NULL|NULL|0",
            "32|dbo|Many|TF|NULL|NULL|NULL|NULL|NULL|0",
            "33|dbo|Stop|TR|dbo|Seen|1|CREATE TRIGGER|1|0",
            "34|dbo|Do|P |NULL|NULL|NULL|CREATE PROC|1|0",
        ]),
        parameters: samples(&[
            "30|1|@price|106|106|9|10|2",
            "30|0||106|106|17|38|4",
            "31|1|@id|56|56|4|10|0",
        ]),
    }
}

fn found(answers: &ModuleAnswers) -> Found {
    let (reads, calls) = used(answers, &synonyms(&answers.synonyms, "S"));
    Found {
        reads,
        calls,
        columns: recorded(&answers.recorded, &types()),
    }
}

#[test]
fn a_view_has_its_columns_indexes_and_what_it_reads() {
    let answers = answers();
    let named = [("dbo", "Seen"), ("dbo", "Hidden")].into_iter();
    let views = views(&answers, named, &mut found(&answers));
    let names: Vec<_> = views.iter().map(View::full_name).collect();
    assert_eq!(names, ["dbo.Seen", "dbo.Hidden"]);
    assert_eq!(views[1].definition, None, "only its name is shown");
    let seen = &views[0];
    assert_eq!(seen.reads, ["dbo.Sums", "dbo.T", "sales.Orders"]);
    assert_eq!(seen.calls, ["dbo.Net"]);
    assert!(!seen.quoted_identifiers);
    assert_eq!(
        seen.columns[1],
        RecordedColumn {
            name: "Name".into(),
            ty: SqlType::NVarChar { length: Some(40) },
            collation: Some("Latin1_General_CI_AS".into()),
            nullable: true,
        }
    );
    assert_eq!(seen.columns[0].name, "Id", "by column_id");
    let key = |index: &Index| index.key[0].column.clone();
    assert!(seen.indexes[0].clustered && seen.indexes[0].unique);
    assert_eq!(key(&seen.indexes[0]), "Id");
    assert_eq!(key(&seen.indexes[1]), "Name");
    assert_eq!(seen.indexes[1].included, ["Id"]);
    assert!(seen.indexes[1].key[0].descending);
}

#[test]
fn functions_have_their_parameters_and_what_they_return() {
    let answers = answers();
    let functions = functions(&answers, &types(), &mut found(&answers));
    assert_eq!(functions.len(), 2, "not the one of several statements");
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    let net = &functions[0];
    assert_eq!(net.returns, Returns::Value(Some(decimal(38, 4))));
    let price = Parameter {
        name: "@price".into(),
        ty: decimal(10, 2),
    };
    assert_eq!(net.parameters, [price]);
    assert!(net.null_on_null_input && net.definition.is_some());
    let sums = &functions[1];
    assert!(matches!(&sums.returns, Returns::Rows(columns) if columns[0].ty == decimal(38, 2)));
    assert_eq!(
        (sums.reads.as_slice(), sums.parameters.len()),
        (&["dbo.T".to_owned()][..], 1)
    );
}

#[test]
fn modules_are_named_as_the_inventory_names_them() {
    let modules: Vec<_> = answers().modules.iter().filter_map(module).collect();
    let names: Vec<_> = modules
        .iter()
        .map(|one| (one.kind, one.full_name()))
        .collect();
    assert_eq!(names[0], (ModuleKind::ScalarFunction, "dbo.Net".to_owned()));
    assert_eq!(names[3], (ModuleKind::Trigger, "dbo.Seen.Stop".to_owned()));
    assert!(modules[3].instead_of && !modules[4].instead_of);
    assert_eq!(names[4], (ModuleKind::Procedure, "dbo.Do".to_owned()));
}
