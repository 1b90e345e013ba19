//! Views of every construct, made by a stream of choices. None depends on an order that T-SQL leaves
//! open: what counts or cuts rows orders them by a key, and what stands for a group is one value.

use super::expressions::{Column, Expressions, Kind};
use crate::draw::Draw;

const TABLES: &[(&str, &[(&str, Kind)])] = &[
    (
        "dbo.Dept",
        &[
            ("Id", Kind::Int),
            ("Title", Kind::Text),
            ("Kind", Kind::Key),
            ("Parent", Kind::Int),
            ("Opened", Kind::Day),
        ],
    ),
    (
        "dbo.Staff",
        &[
            ("Id", Kind::Int),
            ("Name", Kind::Text),
            ("Code", Kind::Key),
            ("Boss", Kind::Int),
            ("Dept", Kind::Int),
            ("Grade", Kind::Int),
            ("Pay", Kind::Decimal),
            ("Cash", Kind::Money),
            ("Active", Kind::Bit),
            ("Born", Kind::Day),
            ("Hired", Kind::Moment),
        ],
    ),
    (
        "dbo.Sale",
        &[
            ("Id", Kind::Int),
            ("Staff", Kind::Int),
            ("Dept", Kind::Int),
            ("Kind", Kind::Key),
            ("Units", Kind::Int),
            ("Amount", Kind::Decimal),
            ("Sold", Kind::Moment),
            ("Note", Kind::Text),
        ],
    ),
];

/// Kinds of which equal values are the same.
const EXACT: &[Kind] = &[Kind::Int, Kind::Key, Kind::Decimal, Kind::Day, Kind::Bit];
const ANY: &[Kind] = &[
    Kind::Int,
    Kind::Key,
    Kind::Text,
    Kind::Decimal,
    Kind::Day,
    Kind::Moment,
    Kind::Bit,
    Kind::Money,
];

/// The query of a view whose columns are `c1`, `c2` and so on.
pub fn view(draw: &mut Draw) -> String {
    let mut grammar = Grammar { draw, aliases: 0 };
    if grammar.draw.once_in(8) {
        return grammar.with();
    }
    let kinds = grammar.kinds(ANY);
    grammar.query(&kinds, 2)
}

struct Grammar<'a> {
    draw: &'a mut Draw,
    aliases: usize,
}

/// What stands behind FROM, and the columns in scope.
struct From {
    sql: String,
    columns: Vec<Column>,
    /// A column that no two rows share.
    key: Option<String>,
}

impl Grammar<'_> {
    fn kinds(&mut self, from: &[Kind]) -> Vec<Kind> {
        let count = 1 + self.draw.below(4);
        (0..count)
            .map(|_| from[self.draw.below(from.len())])
            .collect()
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn over<'b>(&'b mut self, columns: &'b [Column]) -> Expressions<'b> {
        Expressions {
            draw: &mut *self.draw,
            columns,
        }
    }

    /// A query with columns of these kinds.
    fn query(&mut self, kinds: &[Kind], depth: u32) -> String {
        if depth > 0 && self.draw.once_in(6) {
            return self.set(kinds, depth - 1);
        }
        match self.draw.below(9) {
            4 => self.grouped(kinds, depth),
            5 => self.window(kinds),
            6 => self.cut(kinds),
            7 => self.grouping_sets(kinds),
            8 => self.pivot(kinds),
            _ => self.plain(kinds, depth),
        }
    }

    fn plain(&mut self, kinds: &[Kind], depth: u32) -> String {
        let from = self.from(depth);
        let exact = kinds.iter().all(|kind| EXACT.contains(kind));
        let distinct = if exact && self.draw.once_in(5) {
            "DISTINCT "
        } else {
            ""
        };
        let items = self.items(kinds, &from.columns);
        let filter = self.filter(&from.columns);
        format!("SELECT {distinct}{items} FROM {}{filter}", from.sql)
    }

    fn items(&mut self, kinds: &[Kind], columns: &[Column]) -> String {
        let mut expressions = self.over(columns);
        let items: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("{} AS c{}", expressions.of(*kind, 2), at + 1))
            .collect();
        items.join(", ")
    }

    fn filter(&mut self, columns: &[Column]) -> String {
        if self.draw.below(2) == 0 {
            return String::new();
        }
        format!(" WHERE {}", self.over(columns).condition(2))
    }

    fn table(&mut self) -> From {
        let (table, columns) = TABLES[self.draw.below(TABLES.len())];
        let alias = self.alias();
        From {
            sql: format!("{table} AS {alias}"),
            columns: columns
                .iter()
                .map(|(name, kind)| Column {
                    sql: format!("{alias}.{name}"),
                    kind: *kind,
                })
                .collect(),
            key: Some(format!("{alias}.Id")),
        }
    }

    fn from(&mut self, depth: u32) -> From {
        let first = self.table();
        if depth == 0 {
            return first;
        }
        match self.draw.below(7) {
            3 => self.joined(first, depth - 1),
            4 => self.derived(depth - 1),
            5 => self.applied(first),
            6 => self.values(),
            _ => first,
        }
    }

    fn joined(&mut self, left: From, depth: u32) -> From {
        let right = self.from(depth);
        let word = self
            .draw
            .one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]);
        let columns = [left.columns.clone(), right.columns.clone()].concat();
        let kind = [Kind::Int, Kind::Key, Kind::Text][self.draw.below(3)];
        let a = self.over(&left.columns).simple(kind);
        let b = self.over(&right.columns).simple(kind);
        let on = match word {
            "CROSS JOIN" => String::new(),
            _ => format!(" ON {a} = {b}"),
        };
        From {
            sql: format!("{} {word} {}{on}", left.sql, right.sql),
            columns,
            key: None,
        }
    }

    fn derived(&mut self, depth: u32) -> From {
        let kinds = self.kinds(ANY);
        let query = self.query(&kinds, depth);
        let alias = self.alias();
        From {
            sql: format!("({query}) AS {alias}"),
            columns: numbered(&alias, &kinds),
            key: None,
        }
    }

    fn values(&mut self) -> From {
        let kinds = self.kinds(EXACT);
        let alias = self.alias();
        let mut expressions = self.over(&[]);
        let rows: Vec<String> = (0..3)
            .map(|_| {
                let cells: Vec<_> = kinds.iter().map(|kind| expressions.simple(*kind)).collect();
                format!("({})", cells.join(", "))
            })
            .collect();
        let names: Vec<_> = (1..=kinds.len()).map(|at| format!("c{at}")).collect();
        From {
            sql: format!(
                "(VALUES {}) AS {alias} ({})",
                rows.join(", "),
                names.join(", ")
            ),
            columns: numbered(&alias, &kinds),
            key: None,
        }
    }

    fn applied(&mut self, first: From) -> From {
        let word = self.draw.one(&["CROSS APPLY", "OUTER APPLY"]);
        let alias = self.alias();
        let outer = self.over(&first.columns).simple(Kind::Int);
        let (query, kinds) = match self.draw.below(3) {
            0 => (
                format!(
                    "SELECT TOP 2 y.Id AS c1, y.Amount AS c2 FROM dbo.Sale y WHERE y.Dept = {outer} \
                     ORDER BY y.Amount DESC, y.Id"
                ),
                [Kind::Int, Kind::Decimal],
            ),
            1 => (
                format!(
                    "SELECT COUNT(*) AS c1, SUM(y.Pay) AS c2 FROM dbo.Staff y WHERE y.Dept = {outer}"
                ),
                [Kind::Int, Kind::Decimal],
            ),
            _ => (
                format!("SELECT v.a AS c1, v.b AS c2 FROM (VALUES ({outer}, 'new')) AS v (a, b)"),
                [Kind::Int, Kind::Key],
            ),
        };
        let columns = [first.columns, numbered(&alias, &kinds)].concat();
        From {
            sql: format!("{} {word} ({query}) AS {alias}", first.sql),
            columns,
            key: None,
        }
    }

    fn grouped(&mut self, kinds: &[Kind], depth: u32) -> String {
        let from = self.from(depth);
        let mut keys = Vec::new();
        let mut items = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            let sql = match at {
                0 if EXACT.contains(kind) => {
                    let key = self.over(&from.columns).of(*kind, 1);
                    if from.columns.iter().any(|column| key.contains(&column.sql)) {
                        keys.push(key.clone());
                    }
                    key
                }
                _ => self.aggregate(*kind, &from.columns),
            };
            items.push(format!("{sql} AS c{}", at + 1));
        }
        let filter = self.filter(&from.columns);
        let group = if keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", keys.join(", "))
        };
        let having = match self.draw.below(4) {
            3 => format!(" HAVING {} > 1", self.aggregate(Kind::Int, &from.columns)),
            _ => String::new(),
        };
        format!(
            "SELECT {} FROM {}{filter}{group}{having}",
            items.join(", "),
            from.sql
        )
    }

    fn aggregate(&mut self, kind: Kind, columns: &[Column]) -> String {
        let choice = self.draw.below(5);
        let mut over = self.over(columns);
        match (kind, choice) {
            (Kind::Int, 0) => "COUNT(*)".into(),
            (Kind::Int, 1) => format!("COUNT(DISTINCT {})", over.of(Kind::Key, 1)),
            (Kind::Int, 2) => format!("AVG({})", over.of(Kind::Int, 1)),
            (Kind::Decimal | Kind::Money, 0) => format!("AVG({})", over.of(kind, 1)),
            (Kind::Int | Kind::Decimal | Kind::Money, 3) => format!("SUM({})", over.of(kind, 1)),
            (Kind::Bit, _) => {
                format!("CAST(MAX(CAST({} AS int)) AS bit)", over.of(Kind::Bit, 1))
            }
            (Kind::Text, _) => {
                let listed = over.of(Kind::Int, 1);
                format!(
                    "STRING_AGG(CONVERT(nvarchar(12), {listed}), N',') WITHIN GROUP (ORDER BY {listed})"
                )
            }
            (_, 4) => format!("MIN({})", over.of(kind, 1)),
            _ => format!("MAX({})", over.of(kind, 1)),
        }
    }

    fn grouping_sets(&mut self, kinds: &[Kind]) -> String {
        let form = self.draw.one(&[
            "ROLLUP (s.Kind, s.Dept)",
            "CUBE (s.Kind, s.Dept)",
            "GROUPING SETS ((s.Kind), (s.Dept), ())",
        ]);
        let columns = &sales()[..];
        let items: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                let sql = match kind {
                    Kind::Key => "s.Kind".into(),
                    Kind::Int if at == 0 => "s.Dept".into(),
                    Kind::Int if at == 1 => "GROUPING_ID(s.Kind, s.Dept)".into(),
                    _ => self.aggregate(*kind, columns),
                };
                format!("{sql} AS c{}", at + 1)
            })
            .collect();
        format!(
            "SELECT {} FROM dbo.Sale AS s GROUP BY {form}",
            items.join(", ")
        )
    }

    fn window(&mut self, kinds: &[Kind]) -> String {
        let from = self.table();
        let key = from.key.clone().unwrap_or_default();
        let items: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("{} AS c{}", self.windowed(*kind, &from, &key), at + 1))
            .collect();
        let filter = self.filter(&from.columns);
        format!("SELECT {} FROM {}{filter}", items.join(", "), from.sql)
    }

    fn windowed(&mut self, kind: Kind, from: &From, key: &str) -> String {
        let choice = self.draw.below(8);
        let order_kind = EXACT[self.draw.below(4)];
        let mut over = self.over(&from.columns);
        let order = over.of(order_kind, 1);
        let part = match over.draw.below(3) {
            0 => String::new(),
            1 => format!("PARTITION BY {} ", over.of(Kind::Key, 1)),
            _ => format!("PARTITION BY {} ", over.of(Kind::Int, 1)),
        };
        let value = over.of(kind, 1);
        let frame = over.draw.one(&[
            "",
            " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
            " ROWS UNBOUNDED PRECEDING",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
        ]);
        let desc = over.draw.one(&["", " DESC"]);
        match (kind, choice) {
            (Kind::Int, 0) => format!("ROW_NUMBER() OVER ({part}ORDER BY {order}{desc}, {key})"),
            (Kind::Int, 1) => format!("CAST(RANK() OVER ({part}ORDER BY {order}{desc}) AS int)"),
            (Kind::Int, 2) => format!("DENSE_RANK() OVER ({part}ORDER BY {order}{desc})"),
            (Kind::Int, 3) => format!("NTILE(3) OVER ({part}ORDER BY {order}, {key})"),
            (Kind::Int | Kind::Decimal | Kind::Money, 4) => {
                // Without a frame, ties count together: no order is open.
                format!("SUM({value}) OVER ({part}ORDER BY {order}{desc})")
            }
            (Kind::Int | Kind::Decimal | Kind::Money, 5) => {
                format!("AVG({value}) OVER ({part}ORDER BY {order}{desc}, {key}{frame})")
            }
            (_, 6) => format!("LAG({value}) OVER ({part}ORDER BY {order}, {key})"),
            (_, 7) => format!("FIRST_VALUE({value}) OVER ({part}ORDER BY {order}, {key})"),
            _ => format!("LEAD({value}, 2) OVER ({part}ORDER BY {order}{desc}, {key})"),
        }
    }

    fn cut(&mut self, kinds: &[Kind]) -> String {
        let from = self.table();
        let key = from.key.clone().unwrap_or_default();
        let items = self.items(kinds, &from.columns);
        let filter = self.filter(&from.columns);
        let kind = EXACT[self.draw.below(EXACT.len())];
        let order = self.over(&from.columns).simple(kind);
        let desc = self.draw.one(&["", " DESC"]);
        let ordered = if from.columns.iter().any(|column| column.sql == order) {
            format!("{order}{desc}, {key}")
        } else {
            key.clone()
        };
        match self.draw.below(4) {
            0 => format!(
                "SELECT TOP 5 {items} FROM {}{filter} ORDER BY {ordered}",
                from.sql
            ),
            1 => format!(
                "SELECT TOP (2) WITH TIES {items} FROM {}{filter} ORDER BY {}",
                from.sql,
                ordered.split(',').next().unwrap_or(&key)
            ),
            2 => format!(
                "SELECT TOP 30 PERCENT {items} FROM {}{filter} ORDER BY {ordered}",
                from.sql
            ),
            _ => format!(
                "SELECT {items} FROM {}{filter} ORDER BY {ordered} OFFSET 2 ROWS FETCH NEXT 4 ROWS ONLY",
                from.sql
            ),
        }
    }

    fn pivot(&mut self, kinds: &[Kind]) -> String {
        let (source, columns) = match self.draw.below(2) {
            0 => (
                "(SELECT Dept, Kind, Units FROM dbo.Sale) AS q PIVOT (SUM(Units) FOR Kind IN ([new], \
                 [old])) AS p",
                vec![
                    ("p.Dept", Kind::Int),
                    ("p.[new]", Kind::Int),
                    ("p.[old]", Kind::Int),
                ],
            ),
            _ => (
                "(SELECT Id, Code, Boss, Dept FROM dbo.Staff) AS q UNPIVOT (N FOR What IN (Boss, Dept)) \
                 AS p",
                vec![
                    ("p.Id", Kind::Int),
                    ("p.Code", Kind::Key),
                    ("p.N", Kind::Int),
                ],
            ),
        };
        let columns: Vec<Column> = columns
            .into_iter()
            .map(|(sql, kind)| Column {
                sql: sql.into(),
                kind,
            })
            .collect();
        let items = self.items(kinds, &columns);
        format!("SELECT {items} FROM {source}")
    }

    fn set(&mut self, kinds: &[Kind], depth: u32) -> String {
        let exact = kinds.iter().all(|kind| EXACT.contains(kind));
        let word = if exact {
            self.draw
                .one(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT"])
        } else {
            "UNION ALL"
        };
        let (a, b) = (self.plain(kinds, depth), self.grouped(kinds, depth));
        format!("{a} {word} {b}")
    }

    fn with(&mut self) -> String {
        let inner = self.kinds(ANY);
        let query = self.query(&inner, 1);
        let kinds = self.kinds(ANY);
        let alias = self.alias();
        let columns = numbered(&alias, &inner);
        let items = self.items(&kinds, &columns);
        let filter = self.filter(&columns);
        match self.draw.below(3) {
            2 => format!(
                "WITH r (c1, c2) AS (SELECT Id, 0 FROM dbo.Dept WHERE Parent IS NULL UNION ALL SELECT \
                 d.Id, r.c2 + 1 FROM dbo.Dept d JOIN r ON r.c1 = d.Parent) SELECT {} FROM r",
                self.items(
                    &[Kind::Int, Kind::Int],
                    &numbered("r", &[Kind::Int, Kind::Int])
                )
            ),
            _ => format!("WITH w AS ({query}) SELECT {items} FROM w AS {alias}{filter}"),
        }
    }
}

fn numbered(alias: &str, kinds: &[Kind]) -> Vec<Column> {
    let column = |(at, kind): (usize, &Kind)| Column {
        sql: format!("{alias}.c{}", at + 1),
        kind: *kind,
    };
    kinds.iter().enumerate().map(column).collect()
}

/// Columns of `dbo.Sale AS s` that are not keys of a grouping.
fn sales() -> [Column; 5] {
    [
        ("s.Units", Kind::Int),
        ("s.Amount", Kind::Decimal),
        ("s.Sold", Kind::Moment),
        ("s.Note", Kind::Text),
        ("s.Staff", Kind::Int),
    ]
    .map(|(sql, kind)| Column {
        sql: sql.into(),
        kind,
    })
}
