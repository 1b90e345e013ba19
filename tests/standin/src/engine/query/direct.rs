//! The short way of a plain scan: stored rows become wire bytes without values in between.

use std::cell::RefCell;

use crate::engine::error::error;
use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::{Flow, Stop};
use crate::engine::eval::plan::{Plan, Scan};
use crate::engine::eval::scan;
use crate::session::Sink;
use crate::types::{Column, Value};
use crate::wire::encode::Layout;
use crate::work::Ledger;

/// Bytes of a block of rows on its way to the wire.
const BLOCK: usize = 64 * 1024;

/// A scan of one table whose result columns are columns of the table.
pub(crate) struct Direct<'p> {
    scan: &'p Scan,
    /// Positions in the stored row, one for each result column; `None` for the row as it is.
    picked: Option<Vec<usize>>,
}

/// How a scan ended.
pub(crate) struct Sent {
    pub(crate) rows: u64,
    /// The client went away or asked to stop.
    pub(crate) gone: bool,
}

impl<'p> Direct<'p> {
    /// `None` for a plan that needs more than reading rows.
    pub(crate) fn of(plan: &'p Plan) -> Option<Direct<'p>> {
        let Plan::Project(input, exprs) = plan else {
            return None;
        };
        let Plan::Scan(scan) = input.as_ref() else {
            return None;
        };
        let picked: Vec<usize> = exprs.iter().map(|e| e.as_column()).collect::<Option<_>>()?;
        let whole = picked.iter().copied().eq(0..scan.table.columns.len());
        let picked = (!whole).then_some(picked);
        Some(Direct { scan, picked })
    }

    /// Sends all rows in blocks; what that takes goes into `ledger`.
    pub(crate) fn send(
        &self,
        columns: &[Column],
        sink: &mut dyn Sink,
        ledger: &Ledger,
        batch: &str,
    ) -> Result<Sent, Stop> {
        let sink = RefCell::new(sink);
        let watch = || sink.borrow_mut().poll();
        let shared = Run::watched(&watch).counted(ledger, batch);
        let mut block = Block {
            layout: Layout::new(columns),
            bytes: Vec::with_capacity(BLOCK + BLOCK / 8),
            rows: 0,
            sent: 0,
            sink: &sink,
        };
        let flow = scan::read(self.scan, None, &shared, &mut |values| {
            block.push(values, self.picked.as_deref())
        });
        // Rows before an error go out before it, as they do row by row.
        match block.flush().and(flow) {
            Err(Stop::Error(e)) => Err(Stop::Error(e)),
            ended => Ok(Sent {
                rows: block.sent,
                gone: ended.is_err(),
            }),
        }
    }
}

struct Block<'s, 'k> {
    layout: Layout,
    bytes: Vec<u8>,
    /// In `bytes`.
    rows: u64,
    sent: u64,
    sink: &'s RefCell<&'k mut dyn Sink>,
}

impl Block<'_, '_> {
    fn push(&mut self, values: &[Value], picked: Option<&[usize]>) -> Flow {
        let encoded = match picked {
            Some(picked) => self.layout.encode_picked(values, picked, &mut self.bytes),
            None => self.layout.encode_row(values, &mut self.bytes),
        };
        encoded.map_err(|mismatch| error(50_000, 16, format!("stand-in: {mismatch}")))?;
        self.rows += 1;
        if self.bytes.len() >= BLOCK {
            return self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) -> Flow {
        if self.rows == 0 {
            return Ok(());
        }
        let gone = self
            .sink
            .borrow_mut()
            .encoded_rows(&self.bytes, self.rows)
            .is_break();
        self.bytes.clear();
        self.sent += std::mem::take(&mut self.rows);
        if gone { Err(Stop::Enough) } else { Ok(()) }
    }
}
