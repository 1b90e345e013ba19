//! Generated tables, as T-SQL makes them.

use super::draw::Draw;
use super::kind::{self, Kind};
use super::name::{bracket, name};

pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// In a unique key: values must differ after rounding to microseconds.
    pub(super) exact: bool,
    pub(super) default: Option<String>,
    /// Seed and increment.
    pub(super) identity: Option<(i64, i64)>,
    pub(super) computed: Option<String>,
    pub(super) sparse: bool,
}

impl Column {
    /// Its value is the server's.
    pub(super) fn is_made(&self) -> bool {
        self.computed.is_some() || self.identity.is_some() || self.kind == Kind::RowVersion
    }
}

pub(super) struct Table {
    /// With schema and brackets.
    pub(super) name: String,
    pub(super) schema: &'static str,
    pub(super) plain: String,
    pub(super) columns: Vec<Column>,
    /// Places of the primary key's columns.
    pub(super) key: Vec<usize>,
    /// Which table of the schema its last columns refer to, and the first of them.
    pub(super) parent: Option<(usize, usize)>,
    /// The column that refers to the table's own key.
    pub(super) own: Option<usize>,
}

/// A table that may refer to one of those before it.
pub(super) fn table(draw: &mut Draw, before: &[Table]) -> Table {
    let number = before.len();
    let schema = if draw.once_in(4) { "Odd.Schema" } else { "dbo" };
    let plain_name = name(draw, 100 + number);
    let mut columns = Vec::new();
    let mut key = Vec::new();
    for place in 0..draw.size(0, 5) {
        key.push(place);
        let mut column = plain(draw, place, kind::of_key);
        column.nullable = false;
        column.exact = true;
        columns.push(column);
    }
    for place in key.len()..key.len() + draw.size(usize::from(key.is_empty()), 7) {
        columns.push(plain(draw, place, kind::any));
    }
    special(draw, &mut columns);
    let parents: Vec<usize> = (0..before.len())
        .filter(|at| {
            !before[*at].key.is_empty()
                && before[*at]
                    .key
                    .iter()
                    .all(|key| !before[*at].columns[*key].is_made())
        })
        .collect();
    let mut parent = None;
    if !parents.is_empty() && !draw.once_in(3) {
        let of = *draw.one(&parents);
        parent = Some((of, columns.len()));
        for key in &before[of].key {
            let mut column = plain(draw, columns.len(), kind::any);
            column.kind = before[of].columns[*key].kind;
            column.exact = true;
            column.default = None;
            columns.push(column);
        }
    }
    let mut own = None;
    if let [only] = key[..]
        && !columns[only].is_made()
        && draw.once_in(3)
    {
        let mut column = plain(draw, columns.len(), kind::any);
        (column.kind, column.nullable, column.exact) = (columns[only].kind, true, true);
        column.default = None;
        own = Some(columns.len());
        columns.push(column);
    }
    Table {
        name: format!("{}.{}", bracket(schema), bracket(&plain_name)),
        schema,
        plain: plain_name,
        columns,
        key,
        parent,
        own,
    }
}

fn plain(draw: &mut Draw, place: usize, of: fn(&mut Draw) -> Kind) -> Column {
    let kind = of(draw);
    Column {
        name: name(draw, place),
        kind,
        nullable: !draw.once_in(3),
        exact: false,
        default: if draw.once_in(4) {
            default(draw, kind).map(str::to_owned)
        } else {
            None
        },
        identity: None,
        computed: None,
        sparse: draw.once_in(6),
    }
}

/// An identity, a row version, computed columns.
fn special(draw: &mut Draw, columns: &mut Vec<Column>) {
    let counts = |kind: Kind| kind.is_integer() || matches!(kind, Kind::Decimal(9.., 0));
    if draw.once_in(8) && !columns.is_empty() {
        let at = draw.size(0, columns.len() - 1);
        columns[at].kind = Kind::Decimal(u32::try_from(draw.between(9, 18)).expect("small"), 0);
        columns[at].default = None;
    }
    let integer = columns.iter().position(|column| counts(column.kind));
    if let Some(at) = integer.filter(|_| draw.once_in(3)) {
        let column = &mut columns[at];
        column.nullable = false;
        column.default = None;
        let small = column.kind == Kind::TinyInt;
        column.identity = Some(if small {
            (250, -2)
        } else {
            *draw.one(&[(1, 1), (10, 5), (-5, -3), (0, 7)])
        });
    }
    if draw.once_in(6) {
        let mut column = plain(draw, columns.len(), |_| Kind::RowVersion);
        column.nullable = false;
        column.default = None;
        columns.push(column);
    }
    if draw.once_in(3) {
        let all: Vec<usize> = (0..columns.len()).collect();
        let of = &columns[*draw.one(&all)];
        if let Some((computed, kind)) = computed(draw, of) {
            let mut column = plain(draw, columns.len(), |_| Kind::Int);
            column.kind = kind;
            column.nullable = true;
            column.default = None;
            column.computed = Some(computed);
            columns.push(column);
        }
    }
}

/// An expression of one column; its kind says how its text is compared.
fn computed(draw: &mut Draw, of: &Column) -> Option<(String, Kind)> {
    let name = bracket(&of.name);
    let persisted = if draw.once_in(2) { " PERSISTED" } else { "" };
    let (text, kind) = if of.kind.is_integer() {
        (
            draw.one(&[
                "{}+1",
                "{}*2",
                "ISNULL({}, 0)",
                "CASE WHEN {} > 0 THEN 1 ELSE 0 END",
                "ABS({})",
            ]),
            Kind::BigInt,
        )
    } else if of.kind.is_text() {
        (
            draw.one(&[
                "LEN({})",
                "CASE WHEN {} = 'a' THEN 1 ELSE 2 END",
                "CASE WHEN {} IS NULL THEN 1 ELSE 2 END",
            ]),
            Kind::BigInt,
        )
    } else if of.kind.is_dated() {
        (draw.one(&["YEAR({})", "DATEPART(day, {})"]), Kind::BigInt)
    } else {
        return None;
    };
    Some((format!("({}){persisted}", text.replace("{}", &name)), kind))
}

fn default(draw: &mut Draw, kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Bit => "1",
        Kind::Decimal(..) | Kind::Real | Kind::Float | Kind::Money | Kind::SmallMoney => "(0)",
        _ if kind.is_integer() => *draw.one(&["0", "(7)", "100 - 1"]),
        Kind::Date | Kind::DateTime | Kind::DateTime2(_) | Kind::SmallDateTime => {
            *draw.one(&["GETDATE()", "SYSUTCDATETIME()", "'2024-05-06'"])
        }
        Kind::DateTimeOffset(_) => "SYSDATETIMEOFFSET()",
        Kind::Guid => "NEWID()",
        Kind::VarChar(n, _) if n >= 4 => *draw.one(&["''", "'it''s'", "'a\\b'"]),
        Kind::NVarChar(n) if n >= 4 => *draw.one(&["N''", "N'é''s'", "'a'"]),
        Kind::VarBinary(_) | Kind::VarBinaryMax => *draw.one(&["0x", "0x00FF"]),
        _ => return None,
    })
}

impl Table {
    /// CREATE TABLE; the rest may be refused.
    pub(super) fn create(&self, draw: &mut Draw) -> String {
        let mut lines: Vec<String> = self.columns.iter().map(line).collect();
        if !self.key.is_empty() {
            let clustered = draw.one(&["CLUSTERED", "NONCLUSTERED"]);
            lines.push(format!(
                "PRIMARY KEY {clustered} ({})",
                self.ordered(&self.key, draw)
            ));
        }
        format!("CREATE TABLE {} ({})", self.name, lines.join(", "))
    }

    /// Indexes, constraints and comments, each a statement of its own.
    pub(super) fn objects(&mut self, draw: &mut Draw, all: &[Self]) -> Vec<String> {
        let mut made = Vec::new();
        for number in 0..draw.size(0, 3) {
            made.extend(self.index(draw, number));
        }
        for number in 0..draw.size(0, 2) {
            made.extend(self.check(draw, number));
        }
        if let Some((of, first)) = self.parent {
            let own: Vec<usize> = (first..first + all[of].key.len()).collect();
            let parent = &all[of];
            let action = draw.one(&[
                "",
                "",
                " ON DELETE SET NULL",
                " ON DELETE CASCADE",
                " ON UPDATE CASCADE",
            ]);
            made.push(format!(
                "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}){action}",
                self.name,
                self.list(&own),
                parent.name,
                parent.list(&parent.key)
            ));
        }
        if draw.once_in(4) {
            let described = [
                ("TABLE", &self.plain, String::new()),
                (
                    "TABLE",
                    &self.plain,
                    format!(
                        ", N'COLUMN', N'{}'",
                        self.columns[0].name.replace('\'', "''")
                    ),
                ),
            ];
            for (kind, name, column) in described {
                let schema = self.schema;
                let name = name.replace('\'', "''");
                made.push(format!("EXEC sp_addextendedproperty N'MS_Description', N'it''s \\n \u{1F600}', N'SCHEMA', N'{schema}', N'{kind}', N'{name}'{column}"));
            }
        }
        if let Some(own) = self.own {
            let (table, key) = (&self.name, self.list(&self.key));
            made.push(format!(
                "ALTER TABLE {table} ADD FOREIGN KEY ({}) REFERENCES {table} ({key})",
                self.list(&[own])
            ));
        }
        made
    }

    /// Constraints that the rows need not meet, and an index that is off: after the rows.
    pub(super) fn late(&self, draw: &mut Draw) -> Vec<String> {
        let mut made = Vec::new();
        if draw.once_in(4) {
            let check = self.check(draw, 9);
            made.extend(check.map(|text| text.replacen(" ADD ", " WITH NOCHECK ADD ", 1)));
        }
        if draw.once_in(6) {
            let orderable = self
                .columns
                .iter()
                .find(|column| column.kind.is_orderable());
            if let Some(column) = orderable {
                let (table, column) = (&self.name, bracket(&column.name));
                made.push(format!("CREATE INDEX [Off 9] ON {table} ({column})"));
                made.push(format!("ALTER INDEX [Off 9] ON {table} DISABLE"));
            }
        }
        made
    }

    fn index(&mut self, draw: &mut Draw, number: usize) -> Option<String> {
        let orderable: Vec<usize> = (0..self.columns.len())
            .filter(|at| {
                self.columns[*at].kind.is_orderable() && self.columns[*at].computed.is_none()
            })
            .collect();
        let count = draw.size(1, 3);
        let key = draw.some(&orderable, count);
        let first = *key.first()?;
        let name = bracket(&name(draw, 500 + number));
        let columns = self.ordered(&key, draw);
        let unique = draw.once_in(3);
        if unique {
            for at in &key {
                self.columns[*at].exact = true;
            }
        }
        if unique && draw.once_in(2) {
            return Some(format!(
                "ALTER TABLE {} ADD CONSTRAINT {name} UNIQUE ({columns})",
                self.name
            ));
        }
        let mut text = format!(
            "CREATE {}INDEX {name} ON {} ({columns})",
            if unique { "UNIQUE " } else { "" },
            self.name
        );
        let others: Vec<usize> = (0..self.columns.len())
            .filter(|at| !key.contains(at) && self.columns[*at].kind.is_includable())
            .collect();
        if !others.is_empty() && draw.once_in(3) {
            let count = draw.size(1, 2);
            let included = draw.some(&others, count);
            text.push_str(&format!(" INCLUDE ({})", self.list(&included)));
        }
        if draw.once_in(3) {
            let column = bracket(&self.columns[first].name);
            let number = self.columns[first].kind.is_number();
            let filter = if number {
                draw.one(&[" > 0", " IS NOT NULL", " IN (1, 2)"])
            } else {
                " IS NOT NULL"
            };
            text.push_str(&format!(" WHERE {column}{filter}"));
        }
        Some(text)
    }

    fn check(&self, draw: &mut Draw, number: usize) -> Option<String> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let column = &self.columns[*draw.one(&all)];
        let text = if column.kind.is_number() && column.identity.is_none() {
            draw.one(&[
                "{} <> 7",
                "{} > -1000 OR {} IS NULL OR {} < 0",
                "{} NOT IN (3, 4)",
                "{} BETWEEN -5 AND 40",
            ])
        } else if column.kind.is_text() {
            draw.one(&[
                "{} <> 'zzz'",
                "{} NOT LIKE 'a%'",
                "LEN({}) < 5000",
                "{} NOT LIKE '%[_]%'",
                "{} > ''",
                "DATALENGTH({}) >= 0",
            ])
        } else if column.kind.is_dated() {
            draw.one(&[
                "{} >= '1760-01-01'",
                "YEAR({}) < 9999",
                "{} <> '2000-02-29'",
            ])
        } else {
            return None;
        };
        let text = text.replace("{}", &bracket(&column.name));
        Some(format!(
            "ALTER TABLE {} ADD CONSTRAINT {} CHECK ({text})",
            self.name,
            bracket(&name(draw, (700 + number) * 1000 + self.number()))
        ))
    }

    /// The number in its name, for names that must be unique in a schema.
    fn number(&self) -> usize {
        let digits: String = self.plain.chars().filter(char::is_ascii_digit).collect();
        digits.parse().expect("a number in each name")
    }

    pub(super) fn list(&self, places: &[usize]) -> String {
        let names = places.iter().map(|at| bracket(&self.columns[*at].name));
        names.collect::<Vec<_>>().join(", ")
    }

    fn ordered(&self, places: &[usize], draw: &mut Draw) -> String {
        let mut one = |at: &usize| {
            let order = if draw.once_in(3) { " DESC" } else { "" };
            format!("{}{order}", bracket(&self.columns[*at].name))
        };
        places.iter().map(&mut one).collect::<Vec<_>>().join(", ")
    }
}

fn line(column: &Column) -> String {
    let name = bracket(&column.name);
    if let Some(computed) = &column.computed {
        return format!("{name} AS {computed}");
    }
    let mut text = format!("{name} {}", column.kind.sql());
    if let Some((seed, increment)) = column.identity {
        text.push_str(&format!(" IDENTITY({seed}, {increment})"));
    }
    let may_be_sparse = column.nullable && column.default.is_none() && column.kind.is_number();
    if column.sparse && may_be_sparse {
        text.push_str(" SPARSE");
    }
    text.push_str(if column.nullable {
        " NULL"
    } else {
        " NOT NULL"
    });
    if let Some(default) = &column.default {
        text.push_str(&format!(" DEFAULT ({default})"));
    }
    text
}
