//! Every tuple of a small domain is in one statement of one range, and the statements are in key
//! order. The predicates are evaluated as T-SQL would: NULL compares with nothing.

use super::*;
use crate::plan::sample::column;
use tsql::schema::SqlType;

/// A row's values; `None` is NULL.
type Row = Vec<Option<i64>>;

/// What makes two values equal that are spelled in two ways, as a collation without case does.
#[derive(Clone, Copy)]
enum Equality {
    Exact,
    /// 2 and 3 are one value, as are 4 and 5.
    ByHalf,
}

impl Equality {
    fn weight(self, value: i64) -> i64 {
        match self {
            Self::Exact => value,
            Self::ByHalf => value.div_euclid(2),
        }
    }
}

/// The conjunctions, comparisons and parentheses of a predicate.
struct Predicate<'a> {
    rest: &'a str,
    row: &'a Row,
    equality: Equality,
}

impl Predicate<'_> {
    fn holds(text: &str, row: &Row, equality: Equality) -> bool {
        let mut predicate = Predicate {
            rest: text,
            row,
            equality,
        };
        let holds = predicate.any();
        assert_eq!(predicate.rest, "", "{text}");
        holds
    }

    fn any(&mut self) -> bool {
        let mut holds = self.all();
        while self.takes(" OR ") {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.takes(" AND ") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.takes("(") {
            let holds = self.any();
            assert!(self.takes(")"), "{}", self.rest);
            return holds;
        }
        assert!(self.takes("[C"), "{}", self.rest);
        let place = self.number() as usize;
        assert!(self.takes("] "), "{}", self.rest);
        let value = self.row[place];
        if self.takes("IS NULL") {
            return value.is_none();
        }
        let operators = ["<=", ">=", "<", ">", "="];
        let operator = operators
            .into_iter()
            .find(|operator| self.takes(&format!("{operator} ")))
            .expect("an operator");
        let text = self.takes("N'");
        assert!(text || self.takes("CAST("), "{}", self.rest);
        let literal = self.number();
        assert!(
            self.takes(if text { "'" } else { " AS int)" }),
            "{}",
            self.rest
        );
        let Some(value) = value else {
            return false;
        };
        let order = self
            .equality
            .weight(value)
            .cmp(&self.equality.weight(literal));
        match operator {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }

    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn number(&mut self) -> i64 {
        let digits = self
            .rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().expect("a number")
    }
}

/// A key, and how its values compare.
#[derive(Clone)]
struct Key {
    columns: Vec<KeyColumn>,
    equality: Equality,
}

impl Key {
    fn new(ty: &SqlType, descending: &[bool], nullable: bool, equality: Equality) -> Self {
        let columns = descending.iter().enumerate().map(|(place, descending)| {
            let mut column = column(&format!("C{place}"), ty.clone());
            column.nullable = nullable;
            KeyColumn {
                column,
                descending: *descending,
            }
        });
        Self {
            columns: columns.collect(),
            equality,
        }
    }

    fn value(&self, value: i64) -> KeyValue {
        match self.columns[0].column.ty {
            SqlType::Int => KeyValue::Int(value),
            _ => KeyValue::National(value.to_string().encode_utf16().collect()),
        }
    }

    fn values(&self, row: &Row) -> Vec<KeyValue> {
        row.iter()
            .flatten()
            .map(|value| self.value(*value))
            .collect()
    }

    /// The order of the index: NULL is its lowest value.
    fn order(&self, one: &Row, other: &Row) -> Ordering {
        let columns = self.columns.iter().zip(one.iter().zip(other));
        columns
            .map(|(key, (one, other))| {
                let weight = |value: &Option<i64>| value.map(|value| self.equality.weight(value));
                let order = weight(one).cmp(&weight(other));
                if key.descending {
                    order.reverse()
                } else {
                    order
                }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// All rows with values of 0 to `values - 1`, in the order of the index.
    fn rows(&self, values: i64) -> Vec<Row> {
        let nullable = self.columns[0].column.nullable;
        let mut rows = vec![Row::new()];
        for _ in &self.columns {
            let longer = |row: &Row| {
                let null = nullable.then_some(None);
                let values = null.into_iter().chain((0..values).map(Some));
                let longer = values.map(|value| {
                    let mut row = row.clone();
                    row.push(value);
                    row
                });
                longer.collect::<Vec<_>>()
            };
            rows = rows.iter().flat_map(longer).collect();
        }
        rows.sort_by(|one, other| self.order(one, other));
        rows
    }

    /// The statements' rows, one statement after the other.
    fn read(&self, rows: &[Row], after: Option<&Row>, upto: Option<&Row>) -> Vec<Row> {
        let (after, upto) = (
            after.map(|row| self.values(row)),
            upto.map(|row| self.values(row)),
        );
        let seeks = seeks(&self.columns, after.as_deref(), upto.as_deref());
        let most = 2 * self.columns.len() - 1;
        assert!(seeks.len() <= most, "{seeks:?}");
        let read = seeks.iter().flat_map(|seek| {
            assert_seek(seek);
            let held = rows.iter().filter(|row| {
                let mut all = seek.iter();
                all.all(|text| Predicate::holds(text, row, self.equality))
            });
            held.cloned().collect::<Vec<_>>()
        });
        read.collect()
    }

    /// Ranges between cuts, which are rows in the order of the index.
    fn check(&self, rows: &[Row], cuts: &[&Row]) {
        let ends = cuts.iter().map(|cut| Some(*cut));
        let starts = [None].into_iter().chain(ends.clone());
        let all = starts.zip(ends.chain([None]));
        let read = all
            .flat_map(|(after, upto)| self.read(rows, after, upto))
            .collect::<Vec<_>>();
        assert_eq!(read.len(), rows.len(), "{cuts:?}");
        let in_order = read
            .windows(2)
            .all(|pair| self.order(&pair[0], &pair[1]).is_le());
        assert!(in_order, "{cuts:?}");
        let mut sorted = read;
        sorted.sort();
        let mut expected = rows.to_vec();
        expected.sort();
        assert_eq!(sorted, expected, "{cuts:?}");
    }
}

/// Equalities on leading columns, then a range of the next; what follows only restricts it further.
fn assert_seek(seek: &[String]) {
    let names = seek.iter().map(|text| text.contains(" = "));
    let pinned = names.take_while(|equal| *equal).count();
    for (place, text) in seek.iter().take(pinned).enumerate() {
        assert!(text.starts_with(&format!("[C{place}] = ")), "{seek:?}");
    }
    if let Some(range) = seek.get(pinned) {
        let range = range.trim_start_matches('(');
        assert!(range.starts_with(&format!("[C{pinned}] ")), "{seek:?}");
    }
}

fn directions(columns: usize) -> Vec<Vec<bool>> {
    (0..1_u32 << columns)
        .map(|bits| (0..columns).map(|place| bits >> place & 1 == 1).collect())
        .collect()
}

/// Every pair of cuts, equal ones included, of every key of one to three columns.
#[test]
fn every_row_is_in_one_statement_of_one_range_in_key_order() {
    for columns in 1..=3 {
        for descending in directions(columns) {
            let key = Key::new(&SqlType::Int, &descending, false, Equality::Exact);
            let rows = key.rows(3);
            key.check(&rows, &[]);
            for (place, cut) in rows.iter().enumerate() {
                key.check(&rows, &[cut]);
                for other in &rows[place..] {
                    key.check(&rows, &[cut, other]);
                }
            }
        }
    }
}

/// A clustered index that is not unique may have NULLs: the lowest values, so they belong to the
/// range without a lower end, or to the one without an upper end if a column descends.
#[test]
fn rows_with_nulls_are_in_one_statement_of_one_range() {
    for columns in 1..=3 {
        for descending in directions(columns) {
            let key = Key::new(&SqlType::Int, &descending, true, Equality::Exact);
            let rows = key.rows(2);
            let cuts = rows.iter().filter(|row| !row.contains(&None));
            let cuts = cuts.collect::<Vec<_>>();
            for (place, cut) in cuts.iter().enumerate() {
                for other in &cuts[place..] {
                    key.check(&rows, &[cut, other]);
                }
            }
        }
    }
}

/// `a` and `A` are one value under many collations, and both may be in a key's leading column: only
/// the server knows that they are equal.
#[test]
fn values_that_are_equal_under_a_collation_lose_and_double_nothing() {
    let ty = SqlType::NVarChar { length: Some(9) };
    for columns in 1..=3 {
        for descending in directions(columns) {
            let key = Key::new(&ty, &descending, false, Equality::ByHalf);
            let rows = key.rows(4);
            for (place, cut) in rows.iter().enumerate().step_by(columns * columns) {
                for other in &rows[place..] {
                    key.check(&rows, &[cut, other]);
                }
            }
        }
    }
}

/// A cut that a partition has gone past must show no row, or it would be made a cut all the same.
#[test]
fn a_range_that_ends_before_it_begins_has_no_rows() {
    let text = SqlType::NVarChar { length: Some(9) };
    for (ty, equality) in [
        (SqlType::Int, Equality::Exact),
        (text.clone(), Equality::Exact),
        (text, Equality::ByHalf),
    ] {
        for descending in directions(2) {
            let key = Key::new(&ty, &descending, false, equality);
            let rows = key.rows(4);
            for (place, after) in rows.iter().enumerate() {
                for upto in &rows[..=place] {
                    let read = key.read(&rows, Some(after), Some(upto));
                    assert_eq!(read, Vec::<Row>::new(), "{after:?} {upto:?}");
                }
            }
        }
    }
}

/// A resume begins at a row and ends where its range does.
#[test]
fn a_resumed_range_reads_what_follows_its_last_key() {
    let key = Key::new(&SqlType::Int, &[false, true, false], false, Equality::Exact);
    let rows = key.rows(3);
    for (place, upto) in rows.iter().enumerate() {
        for (done, after) in rows.iter().enumerate().take(place + 1) {
            let read = key.read(&rows, Some(after), Some(upto));
            assert_eq!(read, rows[done + 1..=place]);
        }
    }
}

/// A cut of fewer columns than the key has ends after the last row that begins with it.
#[test]
fn cuts_of_leading_columns_tile_as_well() {
    let key = Key::new(&SqlType::Int, &[false, true], false, Equality::Exact);
    let rows = key.rows(3);
    for leading in 0..3 {
        let short = vec![Some(leading)];
        key.check(&rows, &[&short]);
        for row in &rows {
            let ordered = if row[0] <= Some(leading) {
                [row, &short]
            } else {
                [&short, row]
            };
            key.check(&rows, &ordered);
        }
    }
}

/// One statement for all rows of a range, if a query needs them at once.
#[test]
fn the_whole_range_has_the_same_rows() {
    for descending in directions(2) {
        let key = Key::new(&SqlType::Int, &descending, true, Equality::Exact);
        let rows = key.rows(2);
        let ends = rows.iter().filter(|row| !row.contains(&None));
        let ends = ends.map(Some).chain([None]).collect::<Vec<_>>();
        for after in &ends {
            for upto in &ends {
                let values = |end: &Option<&Row>| end.map(|row| key.values(row));
                let conjuncts = whole(
                    &key.columns,
                    values(after).as_deref(),
                    values(upto).as_deref(),
                );
                let read = rows.iter().filter(|row| {
                    let mut all = conjuncts.iter();
                    all.all(|text| Predicate::holds(text, row, key.equality))
                });
                let expected = key.read(&rows, *after, *upto);
                assert_eq!(read.cloned().collect::<Vec<_>>(), expected);
            }
        }
    }
}
