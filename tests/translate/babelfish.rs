//! Where Babelfish answers otherwise than SQL Server's documentation says, and is not believed.

/// Parts of conditions, computed columns and views, each with what the documentation says.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "[Flag]",
        "bit gives way to int (Data type precedence); there int gives way to bit",
    ),
    (
        "'Abc ' IN",
        "literals compare under the database's collation, and without trailing blanks",
    ),
    (
        "[D]/(",
        "division has max(6, s1 + p2 + 1) digits (Precision, scale, and length)",
    ),
    ("round([D],(1))", "round keeps the scale of its argument"),
    (
        "case when [N]>(0) then [D]",
        "both branches take the scale of the higher type",
    ),
    (
        "CONVERT([decimal](10,1),[D])",
        "a decimal of fewer digits is rounded (CAST and CONVERT)",
    ),
    (
        "datalength([W])",
        "two bytes for each byte pair of nvarchar (DATALENGTH, nchar and nvarchar)",
    ),
    (
        "[W] like N'abc'",
        "trailing blanks of Unicode text count in LIKE (LIKE, Pattern matching)",
    ),
    (
        "HASHBYTES",
        "varbinary(8000) (HASHBYTES); there a column without a length in sys.columns",
    ),
    (
        " PIVOT (",
        "a view with PIVOT can be read (FROM, PIVOT); there its server process ends by signal 11",
    ),
    (
        "dbo.ListOf",
        "a SELECT that adds to a variable goes through all rows in the order of columns (KB 287515)",
    ),
    (
        "dbo.Defaults",
        "a parameter's default has the digits of the parameter (CREATE FUNCTION)",
    ),
    (
        "like '%[^0-9-]%'",
        "a hyphen at the end of a class is itself, and % in the text is a character",
    ),
];

/// Whether the answer of a server that is not the stand-in is left out, and says why.
pub fn deviates(text: &str) -> bool {
    if std::env::var_os("MIGRATE_TEST_MSSQL").is_none() {
        return false;
    }
    let known = DEVIATIONS.iter().find(|(part, _)| text.contains(part));
    if let Some((_, documented)) = known {
        eprintln!("not compared with this server: {text}: {documented}");
    }
    known.is_some()
}
