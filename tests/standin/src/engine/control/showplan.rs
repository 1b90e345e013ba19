//! `SET SHOWPLAN_ALL ON`: a SELECT is planned and not run, and its rows are estimated.

use sqlparser::ast::Query;

use crate::engine::control::told::counted;
use crate::engine::error::{Result, unsupported};
use crate::engine::eval::plan::{Plan, Scan};
use crate::engine::query::bind::Binder;
use crate::engine::session::outcome::Flow;
use crate::engine::session::sql_session::SqlSession;
use crate::session::Sink;
use crate::types::{Column, SqlType, Value};

/// One row for the whole plan, with those of SHOWPLAN_ALL's columns that say how many rows it gives.
pub(super) fn estimate(
    session: &mut SqlSession,
    query: &Query,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    let facts = session.facts();
    let (plan, _) = Binder::new(&facts).query(query)?;
    let rows = rows_of(&plan)?;
    let columns = [
        column("NodeId", SqlType::Int),
        column("Parent", SqlType::Int),
        column("EstimateRows", SqlType::Float),
    ];
    let values = [Value::Int(1), Value::Int(0), Value::Float(rows as f64)];
    if sink.columns(&columns).is_break() || sink.row(&values).is_break() {
        return Ok(Flow::Stop);
    }
    Ok(counted(session, 1, sink))
}

fn column(name: &str, ty: SqlType) -> Column {
    Column {
        name: name.to_owned(),
        ty,
        nullable: true,
        identity: false,
        computed: false,
        collation: None,
    }
}

/// Rows in the ranges that a scan reads. What is filtered beside the key is not known.
fn rows_of(plan: &Plan) -> Result<u64> {
    match plan {
        Plan::Scan(scan) => Ok(in_ranges(scan)),
        Plan::Filter(input, _)
        | Plan::Project(input, _)
        | Plan::Sort(input, _)
        | Plan::Trim(input, _) => rows_of(input),
        _ => Err(unsupported(
            "SHOWPLAN_ALL of other queries than a SELECT of one table",
        )),
    }
}

fn in_ranges(scan: &Scan) -> u64 {
    let rows = match scan.index {
        Some(index) => &scan.table.indexes[index].rows,
        None => return scan.table.row_count(),
    };
    if scan.table.generated.is_some() {
        return scan.table.row_count();
    }
    let ranges = scan.ranges.iter();
    let counts = ranges.map(|range| rows.count(&range.low, range.high.as_deref()));
    counts.sum()
}
