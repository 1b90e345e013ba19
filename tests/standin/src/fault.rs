//! Faults that the server commits on request: what, where in a response, how often.

mod parse;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::counters::Counters;
use crate::prng::SplitMix64;

/// Class of an error that a fault raises, as SQL Server sends it (`sys.messages`; for 40197 to 49920
/// Microsoft's "Troubleshoot connectivity issues and other errors with Azure SQL Database"). 605 is
/// 21 where a page is broken and 12 where a scan without locks met a page that moved
/// (MSSQLSERVER_605); the fault is the second.
pub(crate) fn class_of(number: i32) -> u8 {
    match number {
        4060 | 4064 => 11,
        601 | 605 => 12,
        1205 => 13,
        229 | 230 | 262 | 300 | 916 | 921 | 922 | 924 | 926 | 927 | 942 | 976 | 978 | 983 | 988
        | 6005 | 17142 | 18401 | 18451 | 18452 | 18456 | 18461 | 18470 | 18486 | 18487 | 18488
        | 40615 => 14,
        701 | 802 | 3966 | 3967 | 8645 | 8649 | 8651 | 40197 | 40613 => 17,
        1204 => 19,
        10928 | 10929 | 10936 | 17809 | 40501 => 20,
        596 | 615 => 21,
        823 | 824 => 24,
        _ => 16,
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The login fails with this error number, as SQL Server words it.
    RefuseLogin(i32),
    /// The connection ends where LOGIN7's answer would come.
    CloseLogin,
    /// The connection ends, after a whole row or at a byte.
    Drop,
    /// The connection ends inside the row that follows.
    CutRow,
    /// Nothing comes for this long, then the response goes on.
    Stall(Duration),
    /// The response ends with this error; 1205 also rolls the transaction back.
    Error(i32),
    /// Bytes that are no token are put into the stream.
    Garbage,
}

/// A place in a response; the ends of a range are both possible, drawn anew for each response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// After so many rows, counted over the whole response. 0 is before the batch runs.
    Rows(u64, u64),
    /// After so many bytes on the wire (packet headers included, before TLS).
    Bytes(u64, u64),
}

/// One fault, as written in `--fault` or built by a test.
///
/// As text: `action[:key=value,...]`, the actions `refuse-login`, `close-login`, `drop`, `cut-row`,
/// `stall`, `error`, `deadlock`, `garbage`; the keys `rows=N` or `rows=A..B`, `bytes=N` or
/// `bytes=A..B` (only `drop`), `for=5s|200ms` (only `stall`), `number=N`, `times=N|forever`
/// (default 1), `seed=N`, and last, because it takes the rest of the text, `match=TEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    pub action: Action,
    pub at: Point,
    /// Only batches that contain this text, in any case.
    pub matching: Option<String>,
    /// `None` is forever.
    pub times: Option<u64>,
    /// For ranges and garbage.
    pub seed: u64,
}

impl FaultSpec {
    /// `action` once, after `rows` rows of any batch.
    pub fn after_rows(action: Action, rows: u64) -> Self {
        Self {
            action,
            at: Point::Rows(rows, rows),
            matching: None,
            times: Some(1),
            seed: 1,
        }
    }

    /// `action` once, after `bytes` bytes of any response.
    pub fn after_bytes(action: Action, bytes: u64) -> Self {
        Self {
            at: Point::Bytes(bytes, bytes),
            ..Self::after_rows(action, 0)
        }
    }

    pub fn matching(mut self, text: impl Into<String>) -> Self {
        self.matching = Some(text.into());
        self
    }

    /// `None` is forever.
    pub fn times(mut self, times: Option<u64>) -> Self {
        self.times = times;
        self
    }
}

/// A fault with the number of times it may still happen.
#[derive(Debug)]
pub(crate) struct Armed {
    spec: FaultSpec,
    left: AtomicU64,
    draws: AtomicU64,
    /// Generator for every fault of the server.
    fired: Arc<AtomicU64>,
}

impl Armed {
    /// Uses one of the times up; false when none is left.
    pub(crate) fn fire(&self) -> bool {
        let fired = self.spec.times.is_none()
            || self
                .left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if fired {
            self.fired.fetch_add(1, Ordering::SeqCst);
        }
        fired
    }

    fn is_spent(&self) -> bool {
        self.spec.times.is_some() && self.left.load(Ordering::SeqCst) == 0
    }

    fn matches(&self, batch: &str) -> bool {
        self.spec
            .matching
            .as_ref()
            .is_none_or(|text| batch.to_lowercase().contains(&text.to_lowercase()))
    }

    fn draw(&self, low: u64, high: u64) -> u64 {
        let draw = self.draws.fetch_add(1, Ordering::SeqCst);
        low + SplitMix64::new(self.spec.seed.wrapping_add(draw)).below(high - low + 1)
    }
}

/// A fault that waits for a row of the current response.
#[derive(Debug)]
pub(crate) struct RowFault {
    pub(crate) row: u64,
    pub(crate) action: Action,
    pub(crate) seed: u64,
    pub(crate) armed: Arc<Armed>,
}

/// What may go wrong in one response.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By row, the first one last.
    pub(crate) rows: Vec<RowFault>,
    /// The nearest byte to drop the connection at.
    pub(crate) cut: Option<(u64, Arc<Armed>)>,
}

/// The faults of a server. Each takes effect from the next request or login on.
#[derive(Debug)]
pub struct Faults {
    armed: Mutex<Vec<Arc<Armed>>>,
    fired: Arc<AtomicU64>,
}

impl Faults {
    /// What happens is counted in `counters`.
    pub(crate) fn counted_by(counters: &Counters) -> Self {
        Self {
            armed: Mutex::default(),
            fired: counters.faults(),
        }
    }

    pub fn add(&self, spec: FaultSpec) {
        let left = AtomicU64::new(spec.times.unwrap_or(0));
        let armed = Armed {
            spec,
            left,
            draws: AtomicU64::new(0),
            fired: Arc::clone(&self.fired),
        };
        self.lock().push(Arc::new(armed));
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many faults have happened since the server started.
    pub fn fired(&self) -> u64 {
        self.fired.load(Ordering::SeqCst)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Armed>>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of this login, if there is one; it counts as happened.
    pub(crate) fn login(&self) -> Option<Action> {
        let login = |armed: &&Arc<Armed>| {
            matches!(
                armed.spec.action,
                Action::RefuseLogin(_) | Action::CloseLogin
            )
        };
        self.lock()
            .iter()
            .filter(login)
            .find(|armed| armed.fire())
            .map(|armed| armed.spec.action.clone())
    }

    /// The faults that may happen in the response to `batch`.
    pub(crate) fn plan(&self, batch: &str) -> Plan {
        let mut plan = Plan::default();
        let mut faults = self.lock();
        faults.retain(|armed| !armed.is_spent());
        for armed in faults.iter().filter(|armed| armed.matches(batch)) {
            match (&armed.spec.action, armed.spec.at) {
                (Action::RefuseLogin(_) | Action::CloseLogin, _) => {}
                (_, Point::Bytes(low, high)) => {
                    let at = armed.draw(low, high);
                    if plan.cut.as_ref().is_none_or(|(other, _)| at < *other) {
                        plan.cut = Some((at, Arc::clone(armed)));
                    }
                }
                (action, Point::Rows(low, high)) => plan.rows.push(RowFault {
                    row: armed.draw(low, high),
                    action: action.clone(),
                    seed: armed.spec.seed,
                    armed: Arc::clone(armed),
                }),
            }
        }
        plan.rows.sort_by_key(|fault| std::cmp::Reverse(fault.row));
        plan
    }
}
