//! The job-wide `types:` section: which of its keys a column's type answers to.

use std::collections::BTreeMap;

use crate::schema::SqlType;

/// Every name that `types:` may have on its left.
const NAMES: [&str; 42] = [
    "bit",
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "decimal",
    "numeric",
    "smallmoney",
    "money",
    "real",
    "float",
    "date",
    "time",
    "smalldatetime",
    "datetime",
    "datetime2",
    "datetimeoffset",
    "char",
    "varchar",
    "varchar(max)",
    "text",
    "nchar",
    "nvarchar",
    "nvarchar(max)",
    "ntext",
    "binary",
    "varbinary",
    "varbinary(max)",
    "image",
    "rowversion",
    "timestamp",
    "uniqueidentifier",
    "xml",
    "sql_variant",
    "hierarchyid",
    "geography",
    "geometry",
    "json",
    "vector",
    "clr",
    "integer",
    "double precision",
];

/// The entry of `types:` for a column of this type: its key as written, and what it asks for.
/// `nvarchar(max)` is looked for before `nvarchar`.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use tsql::schema::SqlType;
/// use tsql::typemap::asked_for;
///
/// let types = BTreeMap::from([("Money".to_owned(), "numeric(30,4)".to_owned())]);
/// assert_eq!(asked_for(&types, &SqlType::Money), Some(("Money", "numeric(30,4)")));
/// assert_eq!(asked_for(&types, &SqlType::Int), None);
/// ```
pub fn asked_for<'a>(
    types: &'a BTreeMap<String, String>,
    ty: &SqlType,
) -> Option<(&'a str, &'a str)> {
    names(ty).into_iter().find_map(|name| {
        let found = types.iter().find(|(key, _)| folded(key) == name);
        found.map(|(key, target)| (key.as_str(), target.as_str()))
    })
}

/// Keys of `types:` that name no type of SQL Server.
///
/// ```
/// use std::collections::BTreeMap;
///
/// let types = BTreeMap::from([("nvarchr".to_owned(), "text".to_owned())]);
/// assert_eq!(tsql::typemap::unknown_sources(&types), ["nvarchr"]);
/// ```
pub fn unknown_sources(types: &BTreeMap<String, String>) -> Vec<&str> {
    let known = |key: &&String| NAMES.contains(&folded(key).as_str());
    types
        .keys()
        .filter(|key| !known(key))
        .map(String::as_str)
        .collect()
}

fn folded(key: &str) -> String {
    key.trim().to_ascii_lowercase()
}

/// The names of a type, the narrowest first.
fn names(ty: &SqlType) -> Vec<&'static str> {
    match ty {
        SqlType::Bit => vec!["bit"],
        SqlType::TinyInt => vec!["tinyint"],
        SqlType::SmallInt => vec!["smallint"],
        SqlType::Int => vec!["int", "integer"],
        SqlType::BigInt => vec!["bigint"],
        SqlType::Decimal { .. } => vec!["decimal", "numeric"],
        SqlType::SmallMoney => vec!["smallmoney"],
        SqlType::Money => vec!["money"],
        SqlType::Real => vec!["real"],
        SqlType::Float => vec!["float", "double precision"],
        SqlType::Date => vec!["date"],
        SqlType::Time { .. } => vec!["time"],
        SqlType::SmallDateTime => vec!["smalldatetime"],
        SqlType::DateTime => vec!["datetime"],
        SqlType::DateTime2 { .. } => vec!["datetime2"],
        SqlType::DateTimeOffset { .. } => vec!["datetimeoffset"],
        SqlType::Char { .. } => vec!["char"],
        SqlType::VarChar { length: None } => vec!["varchar(max)", "varchar"],
        SqlType::VarChar { .. } => vec!["varchar"],
        SqlType::Text => vec!["text"],
        SqlType::NChar { .. } => vec!["nchar"],
        SqlType::NVarChar { length: None } => vec!["nvarchar(max)", "nvarchar"],
        SqlType::NVarChar { .. } => vec!["nvarchar"],
        SqlType::NText => vec!["ntext"],
        SqlType::Binary { .. } => vec!["binary"],
        SqlType::VarBinary { length: None } => vec!["varbinary(max)", "varbinary"],
        SqlType::VarBinary { .. } => vec!["varbinary"],
        SqlType::Image => vec!["image"],
        SqlType::RowVersion => vec!["rowversion", "timestamp"],
        SqlType::UniqueIdentifier => vec!["uniqueidentifier"],
        SqlType::Xml => vec!["xml"],
        SqlType::SqlVariant => vec!["sql_variant"],
        SqlType::HierarchyId => vec!["hierarchyid"],
        SqlType::Geography => vec!["geography"],
        SqlType::Geometry => vec!["geometry"],
        SqlType::Json => vec!["json"],
        SqlType::Vector { .. } => vec!["vector"],
        SqlType::Clr { .. } => vec!["clr"],
        SqlType::Other { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, target): &(&str, &str)| ((*key).to_owned(), (*target).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn a_max_type_is_asked_for_by_its_narrower_name_first() {
        let types = types(&[("NVarChar", "text"), ("nvarchar(max)", "xml")]);
        let long = SqlType::NVarChar { length: None };
        let short = SqlType::NVarChar { length: Some(9) };
        assert_eq!(asked_for(&types, &long), Some(("nvarchar(max)", "xml")));
        assert_eq!(asked_for(&types, &short), Some(("NVarChar", "text")));
        assert_eq!(asked_for(&types, &SqlType::NText), None);
    }

    #[test]
    fn a_key_that_names_no_type_is_found() {
        let types = types(&[
            ("money", "numeric"),
            ("nvarchr", "text"),
            ("varchar(9)", "text"),
        ]);
        assert_eq!(unknown_sources(&types), ["nvarchr", "varchar(9)"]);
    }
}
