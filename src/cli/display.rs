//! Draws the progress of a run: bars on a terminal, log lines elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::console::{Console, Shown};
use crate::cli::rate::Rate;
use crate::cli::text::figures::{count, mebibytes, time_left};
use crate::error::{Error, Kind, Result};
use crate::report::progress::{Progress, TableProgress, TableState};

/// Smooth to the eye and nothing to the processor.
const REDRAW: Duration = Duration::from_millis(200);
/// A log of a night stays readable.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Bars for tables, at most; more would scroll.
const MOST_BARS: usize = 10;

/// A thread that draws until it is told to finish. It only reads counters, so no worker ever
/// waits for a terminal.
pub(crate) struct Display {
    /// Dropped to end the thread.
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    pub(crate) fn start(console: &Console, progress: Arc<Progress>) -> Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let mut view: Box<dyn FnMut(bool) + Send> = match console.shown {
            Shown::Bars => {
                let mut bars = Bars::new(console.bars.clone(), progress)?;
                Box::new(move |last| bars.draw(last))
            }
            Shown::Lines => {
                let mut lines = Lines::new(progress);
                Box::new(move |last| lines.draw(last))
            }
            Shown::Nothing => Box::new(|_| {}),
        };
        let every = match console.shown {
            Shown::Bars => REDRAW,
            Shown::Lines | Shown::Nothing => LINE_EVERY,
        };
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    view(false);
                }
                view(true);
            })
            .map_err(|cause| Error::new(Kind::Internal, "cannot start a thread").because(cause))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Draws the last state and takes the bars away, so that the report has the screen.
    pub(crate) fn finish(self) {
        let Self { stop, thread } = self;
        drop(stop);
        // A panic of the drawing thread was printed by the hook, and takes nothing from the run.
        let _ = thread.map(JoinHandle::join);
    }
}

struct Lines {
    progress: Arc<Progress>,
    rate: Rate,
}

impl Lines {
    fn new(progress: Arc<Progress>) -> Self {
        Self {
            rate: Rate::starting(progress.elapsed()),
            progress,
        }
    }

    fn draw(&mut self, last: bool) {
        let totals = self.progress.totals();
        self.rate.sample(self.progress.elapsed(), totals.rows);
        if last && totals.tables == 0 {
            return;
        }
        let step = self.progress.step();
        let left = totals.expected_rows.saturating_sub(totals.rows);
        tracing::info!(
            step = format!("{}/{} {}", step.number, step.of, step.name),
            tables = format!("{}/{}", totals.tables_over, totals.tables),
            failed = totals.tables_failed,
            rows = totals.rows,
            expected_rows = totals.expected_rows,
            mib = totals.bytes >> 20,
            rows_per_second = self.rate.per_second().round(),
            eta = time_left(self.rate.time_for(left)),
            "progress"
        );
    }
}

struct Bars {
    progress: Arc<Progress>,
    screen: MultiProgress,
    total: ProgressBar,
    rate: Rate,
    style: ProgressStyle,
    /// By position in `Progress::tables`: bar and rate of each table that is shown.
    tables: BTreeMap<usize, (ProgressBar, Rate)>,
    /// Tables whose end was printed, by the same position.
    ended: Vec<bool>,
}

impl Bars {
    fn new(screen: MultiProgress, progress: Arc<Progress>) -> Result<Self> {
        let style = ProgressStyle::with_template("{prefix:28!} {bar:24} {percent:>3}% {wide_msg}")
            .map_err(|cause| Error::new(Kind::Internal, "bad bar template").because(cause))?
            .progress_chars("=> ");
        let total = screen.add(ProgressBar::new(0).with_style(style.clone()));
        Ok(Self {
            rate: Rate::starting(progress.elapsed()),
            progress,
            screen,
            total,
            style,
            tables: BTreeMap::new(),
            ended: Vec::new(),
        })
    }

    fn draw(&mut self, last: bool) {
        let tables = self.progress.tables();
        self.ended.resize(tables.len(), false);
        for (index, table) in tables.iter().enumerate() {
            self.table(index, table);
        }
        self.total();
        if last {
            for (bar, _) in self.tables.values() {
                bar.finish_and_clear();
            }
            self.total.finish_and_clear();
        }
    }

    fn total(&mut self) {
        let totals = self.progress.totals();
        let step = self.progress.step();
        self.rate.sample(self.progress.elapsed(), totals.rows);
        let left = totals.expected_rows.saturating_sub(totals.rows);
        self.total
            .set_prefix(format!("{}/{} {}", step.number, step.of, step.name));
        self.total.set_length(totals.expected_rows.max(1));
        self.total.set_position(totals.rows);
        self.total.set_message(format!(
            "{}/{} tables  {} rows  {}  {}/s  {}",
            totals.tables_over,
            totals.tables,
            count(totals.rows),
            mebibytes(totals.bytes),
            count(self.rate.per_second() as u64),
            time_left(self.rate.time_for(left)),
        ));
    }

    fn table(&mut self, index: usize, table: &TableProgress) {
        match table.state() {
            TableState::Waiting | TableState::Skipped => {}
            TableState::Running | TableState::Loaded => self.running(index, table),
            state @ (TableState::Done | TableState::Failed) => {
                if let Some((bar, _)) = self.tables.remove(&index) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                if !std::mem::replace(&mut self.ended[index], true) {
                    let word = if state == TableState::Done {
                        "done"
                    } else {
                        "FAILED"
                    };
                    let line = format!(
                        "{word:6} {:40} {:>14} rows  {:>7.1} s",
                        table.name(),
                        count(table.rows()),
                        table.elapsed().as_secs_f64(),
                    );
                    // A terminal that is gone takes nothing from the run.
                    let _ = self.screen.println(line);
                }
            }
        }
    }

    fn running(&mut self, index: usize, table: &TableProgress) {
        if !self.tables.contains_key(&index) {
            if self.tables.len() >= MOST_BARS {
                return;
            }
            let bar = ProgressBar::new(0).with_style(self.style.clone());
            let bar = self.screen.add(bar);
            bar.set_prefix(table.name().to_owned());
            let rate = Rate::starting(self.progress.elapsed());
            self.tables.insert(index, (bar, rate));
        }
        let Some((bar, rate)) = self.tables.get_mut(&index) else {
            return;
        };
        rate.sample(self.progress.elapsed(), table.rows());
        let (done, of) = table.partitions();
        bar.set_length(table.expected_rows().max(1));
        bar.set_position(table.rows());
        bar.set_message(format!(
            "{done}/{of} parts  {} rows  {}/s",
            count(table.rows()),
            count(rate.per_second() as u64),
        ));
    }
}
