//! T-SQL expressions of a wanted kind over the columns in scope, made by a stream of choices.

use crate::draw::Draw;

/// What an expression is, as far as the grammar must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Decimal,
    Money,
    Bit,
    /// Text of which two values may be equal and not the same: it is in no key.
    Text,
    /// Text of few values, each of its own.
    Key,
    Day,
    Moment,
}

/// A column that an expression may name.
#[derive(Clone)]
pub struct Column {
    pub sql: String,
    pub kind: Kind,
}

/// Makes expressions and conditions.
pub struct Expressions<'a> {
    pub draw: &'a mut Draw,
    pub columns: &'a [Column],
}

impl Expressions<'_> {
    /// An expression of this kind; `depth` bounds how deep it goes.
    pub fn of(&mut self, kind: Kind, depth: u32) -> String {
        if depth == 0 || self.draw.below(3) == 0 {
            return self.simple(kind);
        }
        let less = depth - 1;
        if self.draw.once_in(4) {
            return self.choice(kind, less);
        }
        match kind {
            Kind::Int => self.int(less),
            Kind::Decimal => self.decimal(less),
            Kind::Money => self.money(less),
            Kind::Bit => {
                let condition = self.condition(less);
                format!("CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS bit)")
            }
            Kind::Text => self.text(less),
            Kind::Key => {
                let key = self.of(Kind::Key, less);
                format!("ISNULL({key}, 'old')")
            }
            Kind::Day => self.day(less),
            Kind::Moment => self.moment(less),
        }
    }

    /// A column, or a literal where there is none.
    pub fn simple(&mut self, kind: Kind) -> String {
        let fitting: Vec<&Column> = self.columns.iter().filter(|it| it.kind == kind).collect();
        if !fitting.is_empty() && !self.draw.once_in(6) {
            return fitting[self.draw.below(fitting.len())].sql.clone();
        }
        let literals: &[&str] = match kind {
            Kind::Int => &["1", "2", "0", "-3", "7"],
            Kind::Decimal => &["1.50", "0.00", "-7.25", "100.00"],
            Kind::Money => &["$1.5", "CAST(3.3333 AS money)"],
            Kind::Bit => &["CAST(1 AS bit)", "CAST(0 AS bit)"],
            // Texts have a type of their own: MAX and LAG of a bare literal are another matter.
            Kind::Text => &["CAST(N'abc' AS nvarchar(9))", "CAST(N'' AS nvarchar(9))"],
            Kind::Key => &["CAST('new' AS varchar(8))", "CAST('old' AS varchar(8))"],
            Kind::Day => &["CAST('20240131' AS date)", "CAST('19991231' AS date)"],
            Kind::Moment => &["CAST('20240229 08:05:00' AS datetime)"],
        };
        self.draw.one(literals).to_owned()
    }

    /// What works on any kind: both branches are of it.
    fn choice(&mut self, kind: Kind, depth: u32) -> String {
        let (a, b) = (self.of(kind, depth), self.of(kind, depth));
        match self.draw.below(5) {
            0 => format!("ISNULL({a}, {b})"),
            1 => format!("COALESCE({a}, {b})"),
            2 => format!("NULLIF({a}, {b})"),
            3 => format!("CASE WHEN {} THEN {a} ELSE {b} END", self.condition(depth)),
            _ => format!("IIF({}, {a}, {b})", self.condition(depth)),
        }
    }

    fn int(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Int, depth);
        match self.draw.below(14) {
            0 => format!("({a} + {})", self.of(Kind::Int, depth)),
            1 => format!("({a} - {})", self.of(Kind::Int, depth)),
            2 => format!("({a} * {})", self.draw.one(&["2", "-3"])),
            3 => format!("({a} / {})", self.draw.one(&["2", "-3"])),
            4 => format!("({a} % {})", self.draw.one(&["2", "5"])),
            5 => format!("ABS({a})"),
            6 => format!("SIGN({a})"),
            7 => format!("(({a}) & 3)"),
            8 => format!("LEN({})", self.of(Kind::Text, depth)),
            9 => format!("CHARINDEX('b', {})", self.of(Kind::Text, depth)),
            10 => {
                let part = self.draw.one(&["YEAR", "MONTH", "DAY"]);
                format!("{part}({})", self.of(Kind::Day, depth))
            }
            11 => {
                let part = self.draw.one(&["day", "month", "year", "week"]);
                let (from, to) = (self.of(Kind::Day, depth), self.of(Kind::Moment, depth));
                format!("DATEDIFF({part}, {from}, {to})")
            }
            12 => {
                let part = self.draw.one(&["quarter", "hour", "dayofyear", "second"]);
                format!("DATEPART({part}, {})", self.of(Kind::Moment, depth))
            }
            _ => format!("CAST({} AS int)", self.of(Kind::Decimal, depth)),
        }
    }

    fn decimal(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Decimal, depth);
        match self.draw.below(9) {
            0 => format!("({a} + {})", self.of(Kind::Decimal, depth)),
            1 => format!("({a} - {})", self.of(Kind::Decimal, depth)),
            2 => format!("({a} * {})", self.draw.one(&["2", "1.5", "-0.25"])),
            3 => format!("({a} / {})", self.draw.one(&["2", "3.0", "-7"])),
            4 => format!("ROUND({a}, 1)"),
            5 => format!("FLOOR({a})"),
            6 => format!("CEILING({a})"),
            7 => format!("CAST({} AS decimal(10, 2))", self.of(Kind::Int, depth)),
            _ => format!("CAST({a} AS decimal(9, 1))"),
        }
    }

    fn money(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Money, depth);
        match self.draw.below(4) {
            0 => format!("({a} + {})", self.of(Kind::Money, depth)),
            1 => format!("({a} - {})", self.of(Kind::Money, depth)),
            2 => format!("({a} * 2)"),
            _ => format!("CAST({} AS money)", self.of(Kind::Decimal, depth)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Text, depth);
        match self.draw.below(14) {
            0 => format!("({a} + {})", self.of(Kind::Text, depth)),
            1 => format!("CONCAT({a}, '-', {})", self.of(Kind::Int, depth)),
            2 => format!("LEFT({a}, 2)"),
            3 => format!("RIGHT({a}, 2)"),
            4 => format!("SUBSTRING({a}, 2, 2)"),
            5 => format!("LTRIM({a})"),
            6 => format!("RTRIM({a})"),
            7 => format!("UPPER({a})"),
            8 => format!("REVERSE({a})"),
            9 => format!("REPLACE({a}, '-', '')"),
            10 => format!("CONVERT(nvarchar(12), {})", self.of(Kind::Int, depth)),
            11 => format!("CONVERT(nvarchar(10), {}, 23)", self.of(Kind::Day, depth)),
            12 => format!("DATENAME(month, {})", self.of(Kind::Day, depth)),
            _ => format!("FORMAT({}, 'yyyy-MM-dd')", self.of(Kind::Moment, depth)),
        }
    }

    fn day(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Day, depth);
        match self.draw.below(4) {
            0 => {
                let part = self.draw.one(&["day", "month", "year", "week"]);
                format!("DATEADD({part}, {}, {a})", self.draw.one(&["1", "13", "0"]))
            }
            1 => format!("EOMONTH({a})"),
            2 => format!("CAST({} AS date)", self.of(Kind::Moment, depth)),
            _ => "DATEFROMPARTS(2024, 2, 29)".to_owned(),
        }
    }

    fn moment(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Moment, depth);
        match self.draw.below(3) {
            0 => {
                let part = self.draw.one(&["hour", "minute", "month", "second"]);
                format!("DATEADD({part}, {}, {a})", self.draw.one(&["1", "100"]))
            }
            1 => format!("CAST({} AS datetime)", self.of(Kind::Day, depth)),
            _ => format!("ISNULL({a}, CAST('20000101' AS datetime))"),
        }
    }

    /// A condition.
    pub fn condition(&mut self, depth: u32) -> String {
        if depth > 0 {
            let less = depth - 1;
            match self.draw.below(8) {
                4 => return self.both("AND", less),
                5 => return self.both("OR", less),
                6 => return format!("NOT ({})", self.condition(less)),
                7 => return self.subquery(less),
                _ => {}
            }
        }
        let kind = KINDS[self.draw.below(KINDS.len())];
        let a = self.of(kind, depth.min(1));
        match self.draw.below(6) {
            0 => format!("{a} IS NULL"),
            1 => format!("{a} IS NOT NULL"),
            2 if kind == Kind::Text => {
                let pattern = self.draw.one(&["N'a%'", "N'%b%'", "N'_b%'", "N'%[0-9]%'"]);
                format!("{a} LIKE {pattern}")
            }
            2 if kind != Kind::Bit => {
                let (from, to) = (self.simple(kind), self.simple(kind));
                format!("{a} BETWEEN {from} AND {to}")
            }
            3 if kind == Kind::Int => format!("{a} IN (1, 2, -3)"),
            3 if kind == Kind::Key => format!("{a} IN ('new', '')"),
            _ => {
                let sign = match kind {
                    Kind::Bit => "=",
                    _ => self.draw.one(&["=", "<>", "<", ">="]),
                };
                format!("{a} {sign} {}", self.of(kind, depth.min(1)))
            }
        }
    }

    fn both(&mut self, word: &str, depth: u32) -> String {
        let (a, b) = (self.condition(depth), self.condition(depth));
        format!("({a} {word} {b})")
    }

    /// A condition with a query in it, over a table that nothing else names.
    fn subquery(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Int, depth.min(1));
        match self.draw.below(6) {
            0 => format!("EXISTS (SELECT * FROM dbo.Sale z WHERE z.Dept = {a})"),
            1 => format!("{a} IN (SELECT z.Staff FROM dbo.Sale z WHERE z.Units > 0)"),
            2 => format!("{a} NOT IN (SELECT z.Id FROM dbo.Dept z WHERE z.Budget IS NULL)"),
            3 => format!("{a} > ALL (SELECT z.Grade FROM dbo.Staff z WHERE z.Pay < 0)"),
            4 => format!("{a} < ANY (SELECT z.Units FROM dbo.Sale z)"),
            _ => format!("{a} = (SELECT COUNT(*) FROM dbo.Staff z WHERE z.Boss = {a})"),
        }
    }
}

/// The kinds that are compared.
const KINDS: &[Kind] = &[
    Kind::Int,
    Kind::Key,
    Kind::Decimal,
    Kind::Text,
    Kind::Day,
    Kind::Moment,
    Kind::Bit,
    Kind::Money,
];
