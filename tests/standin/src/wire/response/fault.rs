//! The faults of a response, committed where they are due.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::fault::{Action, RowFault, class_of};
use crate::prng::SplitMix64;
use crate::types::SqlError;
use crate::wire::response::{Response, Stop};

/// How often a stalled response looks for an attention.
const STALL_STEP: Duration = Duration::from_millis(20);

impl Response<'_> {
    pub(super) fn fault_is_due(&self) -> bool {
        self.faults
            .last()
            .is_some_and(|fault| fault.row <= self.rows)
    }

    /// The faults after the rows so far; `next` is the row that would follow.
    pub(super) fn faults_before(&mut self, next: Option<&[u8]>) -> ControlFlow<()> {
        while self.fault_is_due() {
            let Some(fault) = self.faults.pop() else {
                break;
            };
            if fault.action == Action::CutRow && next.is_none() {
                self.faults.push(fault);
                break;
            }
            if fault.armed.fire() {
                self.commit(&fault, next)?;
            }
        }
        self.going_on()
    }

    fn commit(&mut self, fault: &RowFault, next: Option<&[u8]>) -> ControlFlow<()> {
        match &fault.action {
            Action::Drop => self.drop_connection(),
            Action::CutRow => {
                let row = next.unwrap_or_default();
                self.writer
                    .payload
                    .extend_from_slice(&row[..row.len().div_ceil(2)]);
                self.drop_connection()
            }
            Action::Stall(duration) => self.stall(*duration),
            Action::Error(number) => {
                self.deadlocked = *number == 1205;
                let error = fault_error(*number);
                self.write_message(&error);
                self.break_with(Stop::Error)
            }
            Action::Garbage => {
                let mut random = SplitMix64::new(fault.seed);
                // 0x13 is no token; what follows it is anything.
                self.writer.payload.push(0x13);
                let bytes = (0..8).flat_map(|_| random.next_u64().to_le_bytes());
                self.writer.payload.extend(bytes);
                ControlFlow::Continue(())
            }
            Action::RefuseLogin(_) | Action::CloseLogin => ControlFlow::Continue(()),
        }
    }

    fn drop_connection(&mut self) -> ControlFlow<()> {
        self.count_rows();
        if !self.writer.payload.is_empty()
            && let Err(error) = self.writer.finish_torn(self.transport, self.counters)
        {
            return self.break_with(Stop::Lost(error));
        }
        self.transport.cut();
        self.break_with(Stop::Lost(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "fault: connection dropped",
        )))
    }

    fn stall(&mut self, duration: Duration) -> ControlFlow<()> {
        if let Err(error) = self.writer.flush(self.transport, self.counters) {
            return self.break_with(Stop::Lost(error));
        }
        let end = Instant::now() + duration;
        while Instant::now() < end {
            thread::sleep(STALL_STEP.min(end - Instant::now()));
            self.look_for_attention()?;
        }
        ControlFlow::Continue(())
    }
}

/// The error that a fault raises, in SQL Server's words where a client may read them.
fn fault_error(number: i32) -> SqlError {
    let (class, state, message) = match number {
        1205 => (
            13,
            51,
            "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as \
             the deadlock victim. Rerun the transaction."
                .to_owned(),
        ),
        1222 => (16, 45, "Lock request time out period exceeded.".to_owned()),
        number => (
            class_of(number),
            1,
            format!("Error {number} by request."),
        ),
    };
    SqlError {
        number,
        class,
        state,
        message,
        line: 1,
    }
}
