//! Text: every character arrives as it was, by the code page of its own column.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Surrogate pairs, combining marks, the marks of byte order, line ends of both kinds, tabs,
/// backslashes, COPY's own NULL, quotes, blanks at both ends, nothing at all.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "  both ends  ",
    "😀👩‍👩‍👧",
    "e\u{301}o\u{308}",
    "\u{FEFF}bom",
    "\u{FFFE}\u{FFFF}",
    "a\r\nb\nc\rd",
    "tab\tend\t",
    "back\\slash\\",
    "\\N",
    "\\.",
    "'\"`$$;--",
    "\u{1}\u{8}\u{B}\u{1F}\u{7F}\u{85}\u{2028}",
];

/// The text unit by unit, which no literal's own rules change.
fn units(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("NCHAR({unit})"));
    let units = units.collect::<Vec<_>>().join(" + ");
    if units.is_empty() {
        "N''".to_owned()
    } else {
        units
    }
}

#[test]
fn every_character_arrives_in_every_national_type() {
    let mut script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(40) NULL, \
                      M nvarchar(max) NULL, N ntext NULL);\n"
        .to_owned();
    for (id, text) in TEXTS.iter().enumerate() {
        let text = units(text);
        script.push_str(&format!(
            "INSERT INTO dbo.T VALUES ({id}, {text}, {text}, {text});\n"
        ));
    }
    script.push_str("INSERT INTO dbo.T VALUES (99, NULL, NULL, NULL);\n");
    let scenario = Scenario::on_stand_in(&script);
    scenario.job("").report(&[], 0);
    for (id, text) in TEXTS.iter().enumerate() {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        for column in ["v", "m", "n"] {
            let sql = format!(
                "SELECT encode(convert_to({column}, 'UTF8'), 'hex') || '.' FROM public.t WHERE id = {id}"
            );
            assert_eq!(scenario.value(&sql), format!("{hex}."), "{column} {text:?}");
        }
    }
    let nulls = "SELECT num_nulls(v, m, n) FROM public.t WHERE id = 99";
    assert_eq!(scenario.value(nulls), "3");
}

/// One column for each code page, in one table: a column is read by its own.
#[test]
fn char_and_varchar_are_read_by_the_code_page_of_their_column() {
    let pages = [
        ("Polish_CI_AS", "Łódź"),
        ("Cyrillic_General_CI_AS", "Жук"),
        ("Latin1_General_CI_AS", "café €"),
        ("Greek_CI_AS", "Ωμέγα"),
        ("Turkish_CI_AS", "ğış"),
        ("Hebrew_CI_AS", "שלום"),
        ("Arabic_CI_AS", "سلام"),
        ("Estonian_CI_AS", "õäö"),
        ("Vietnamese_CI_AS", "đơ"),
        ("Thai_CI_AS", "ไทย"),
        ("Japanese_CI_AS", "日本語"),
        ("Chinese_PRC_CI_AS", "中国"),
        ("Korean_Wansung_CI_AS", "한국"),
        ("Chinese_Taiwan_Stroke_CI_AS", "中國"),
        ("SQL_Latin1_General_CP437_CI_AS", "é½"),
        ("SQL_Latin1_General_CP850_CI_AS", "éð"),
        ("Latin1_General_100_CI_AS_SC_UTF8", "😀Ж日"),
    ];
    let mut columns = String::new();
    let mut values = String::new();
    for (place, (collation, text)) in pages.iter().enumerate() {
        columns.push_str(&format!(
            ", V{place} varchar(30) COLLATE {collation} NULL, C{place} char(12) COLLATE {collation} NULL"
        ));
        values.push_str(&format!(", N'{text}', N'{text}'"));
    }
    let script = format!(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY{columns});\nINSERT INTO dbo.T VALUES (1{values});"
    );
    let scenario = Scenario::on_stand_in(&script);
    scenario.job("").report(&[], 0);
    for (place, (collation, text)) in pages.iter().enumerate() {
        let sql = format!(
            "SELECT concat_ws('|', v{place}, rtrim(c{place}), length(c{place}::bpchar)) FROM public.t"
        );
        let length = text.chars().count();
        assert_eq!(
            scenario.value(&sql),
            format!("{text}|{text}|{length}"),
            "{collation}"
        );
    }
}

#[test]
fn what_postgresql_cannot_hold_follows_the_jobs_values() {
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(20) NULL);\n\
                  INSERT INTO dbo.T VALUES (1, N'a' + NCHAR(0) + N'b'), (2, N'c' + NCHAR(55357) + N'd');";
    let source = Source::stand_in();
    let database = source.database(script);
    let all = "SELECT string_agg(v, '|' ORDER BY id) FROM public.t";
    for (policy, expected) in [("strip", "ab|cd"), ("replace", "a\u{FFFD}b|c\u{FFFD}d")] {
        let target = Postgres::shared().database();
        let more = format!("values: {{ nul_characters: {policy}, unpaired_surrogates: {policy} }}");
        let report = Job::new(&database, &target.target(), &more).report(&[], 0);
        assert_eq!(report["tables"][0]["changed_values"], 2);
        assert_eq!(target.value(all), expected);
    }
    for (setting, words) in [
        ("unpaired_surrogates", "values.nul_characters"),
        ("nul_characters", "values.unpaired_surrogates"),
    ] {
        let target = Postgres::shared().database();
        let more = format!("values: {{ {setting}: strip }}");
        let answer = Job::new(&database, &target.target(), &more).ends(&[], 1);
        let said = answer.said();
        assert!(said.contains(words) && said.contains("column V"), "{said}");
    }
}
