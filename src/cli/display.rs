//! Draws the progress of a run: bars on a terminal, log lines elsewhere.
//!
//! It reads `report::progress` from a thread of its own and writes nothing back. Ending the thread
//! is part of `finish`; a terminal that is gone does not stop the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::console::{Console, ProgressDisplay};
use crate::cli::text::figures::{count, mebibytes, short, time_left};
use crate::error::{Error, Kind, Result};
use crate::report::live::Live;
use crate::report::progress::{Progress, ProgressTotals, Step, TablePhase, TableProgress};
use crate::report::rate::Rate;

/// Smooth to the eye and nothing to the processor.
const REDRAW: Duration = Duration::from_millis(200);
/// A log of a night stays readable.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// 20 + 8 and what stands between leave 45 of 80 columns for the message. What is too long for
/// the terminal loses its end, so a message says what matters most first.
const TEMPLATE: &str = "{prefix:20!} {bar:8} {percent:>3}% {wide_msg}";
/// For what has no bar.
const PLAIN: &str = "{wide_msg}";
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
    /// Starts the thread that draws `progress`; it ends with [`Display::finish`].
    pub(crate) fn start(console: &Console, progress: Arc<Progress>) -> Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let mut view: Box<dyn FnMut(bool) + Send> = match console.progress {
            ProgressDisplay::Bars => {
                let mut bars = Bars::new(console.bars.clone(), progress)?;
                Box::new(move |last| bars.draw(last))
            }
            ProgressDisplay::Lines => {
                let mut lines = Lines::new(progress);
                Box::new(move |last| lines.draw(last))
            }
            ProgressDisplay::Nothing => Box::new(|_| {}),
        };
        let every = match console.progress {
            ProgressDisplay::Bars => REDRAW,
            ProgressDisplay::Lines | ProgressDisplay::Nothing => LINE_EVERY,
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

/// For a log that is a file or a pipe.
struct Lines {
    progress: Arc<Progress>,
    rate: Rate,
    live: Live,
}

impl Lines {
    fn new(progress: Arc<Progress>) -> Self {
        Self {
            rate: Rate::starting(progress.elapsed()),
            live: Live::new(Arc::clone(&progress)),
            progress,
        }
    }

    fn draw(&mut self, last: bool) {
        self.live.look();
        let totals = self.progress.totals();
        let moved = totals.moved();
        self.rate.sample(self.progress.elapsed(), moved);
        let step = self.progress.step();
        if step.tables.1 > 0 {
            tracing::info!(
                step = format!("{}/{} {}", step.number, step.of, step.name),
                tables = format!("{}/{}", step.tables.0, step.tables.1),
                "progress"
            );
            return;
        }
        if last && totals.tables == 0 {
            return;
        }
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
            pools = self.live.pools(),
            now = self.live.bottleneck().unwrap_or_default(),
            "progress"
        );
    }
}

/// For a terminal: one bar of the whole run, and one for each of the tables that load.
struct Bars {
    progress: Arc<Progress>,
    screen: MultiProgress,
    total: ProgressBar,
    /// Below it: tables and bytes, pools and what is waited for, a warning.
    lines: [ProgressBar; 3],
    live: Live,
    rate: Rate,
    style: ProgressStyle,
    /// By position in `Progress::tables`: bar and rate of each table that is shown.
    tables: BTreeMap<usize, (ProgressBar, Rate)>,
    /// Tables whose end was printed, by the same position.
    ended: Vec<bool>,
}

impl Bars {
    fn new(screen: MultiProgress, progress: Arc<Progress>) -> Result<Self> {
        let style = template(TEMPLATE)?.progress_chars("=> ");
        let plain = template(PLAIN)?;
        let total = screen.add(ProgressBar::new(0).with_style(style.clone()));
        let line = || screen.add(ProgressBar::new(0).with_style(plain.clone()));
        Ok(Self {
            lines: [line(), line(), line()],
            live: Live::new(Arc::clone(&progress)),
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
            self.lines.iter().for_each(ProgressBar::finish_and_clear);
        }
    }

    /// What the run does now.
    fn now(&mut self, step: Step, totals: &ProgressTotals) {
        self.live.look();
        let loading = totals.tables > 0 && step.tables.1 == 0;
        let tables = loading.then(|| {
            format!(
                "  {}/{} tables  {}  {} partitions active",
                totals.tables_over,
                totals.tables,
                mebibytes(totals.bytes),
                totals.partitions.active
            )
        });
        let pools = self.live.pools();
        let now = self.live.bottleneck().map(|now| format!("; {now}"));
        let pools =
            (!pools.is_empty()).then(|| format!("  in use: {pools}{}", now.unwrap_or_default()));
        let warning = self.live.warning().map(|warning| format!("  {warning}"));
        for (line, text) in self.lines.iter().zip([tables, pools, warning]) {
            line.set_message(text.unwrap_or_default());
        }
    }

    fn total(&mut self) {
        let totals = self.progress.totals();
        let step = self.progress.step();
        let moved = totals.moved();
        self.rate.sample(self.progress.elapsed(), moved);
        let (position, length) = extent(step, &totals);
        self.total
            .set_prefix(format!("step {} of {}", step.number, step.of));
        self.total.set_length(length.max(1));
        self.total.set_position(position);
        self.total.set_message(message(step, &totals, &self.rate));
        self.now(step, &totals);
    }

    fn table(&mut self, index: usize, table: &TableProgress) {
        match table.state() {
            TablePhase::Waiting => {}
            TablePhase::Running | TablePhase::Loaded => self.running(index, table),
            state @ (TablePhase::Done | TablePhase::Failed) => {
                if let Some((bar, _)) = self.tables.remove(&index) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                if !std::mem::replace(&mut self.ended[index], true) {
                    let word = if state == TablePhase::Done {
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

    /// A table past [`MOST_BARS`] gets its bar when another table ends.
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
        let moved = table.rows().saturating_sub(table.resumed_rows());
        rate.sample(self.progress.elapsed(), moved);
        let (done, of) = table.partitions();
        bar.set_length(table.expected_rows().max(1));
        bar.set_position(table.rows());
        let left = table.expected_rows().saturating_sub(table.rows());
        let left = match table.state() {
            TablePhase::Loaded => "making indexes".to_owned(),
            _ => time_left(rate.time_for(left)),
        };
        bar.set_message(format!(
            "{}  {}/s  {left}  {done}/{of} parts",
            short(table.rows()),
            short(rate.per_second() as u64),
        ));
    }
}

/// How far the step is: tables if it goes table by table, rows elsewhere.
fn extent(step: Step, totals: &ProgressTotals) -> (u64, u64) {
    match step.tables {
        (_, 0) => (totals.rows, totals.expected_rows),
        (done, of) => (u64::from(done), u64::from(of)),
    }
}

/// The message of the bar of the whole run.
fn message(step: Step, totals: &ProgressTotals, rate: &Rate) -> String {
    if step.tables.1 > 0 {
        let (done, of) = step.tables;
        return format!("{}  {done}/{of} tables", step.name);
    }
    if totals.tables == 0 || totals.tables_over == totals.tables {
        return step.name.to_owned();
    }
    let left = totals.expected_rows.saturating_sub(totals.rows);
    format!(
        "{} rows  {}/s  {}",
        short(totals.rows),
        short(rate.per_second() as u64),
        time_left(rate.time_for(left)),
    )
}

fn template(text: &str) -> Result<ProgressStyle> {
    ProgressStyle::with_template(text)
        .map_err(|cause| Error::new(Kind::Internal, "bad bar template").because(cause))
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;
    use crate::report::histogram::Durations;
    use crate::report::pool::{PoolState, PoolWatch, Side};

    /// A terminal that keeps what was written to it.
    #[derive(Debug, Clone)]
    struct Terminal(u16, Arc<Mutex<String>>);

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            self.0
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> std::io::Result<()> {
            self.write_str(line)
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            let mut written = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            written.push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a terminal of this width shows.
    fn drawn(columns: u16, progress: &Arc<Progress>) -> String {
        let terminal = Terminal(columns, Arc::default());
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let mut bars = Bars::new(
            MultiProgress::with_draw_target(target),
            Arc::clone(progress),
        )
        .expect("a template");
        bars.draw(false);
        bars.total.force_draw();
        bars.lines.iter().for_each(ProgressBar::force_draw);
        terminal
            .1
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    #[test]
    fn nothing_that_matters_is_cut_at_80_columns() {
        let progress = Progress::new();
        progress.begin(4, 7, "loading");
        let posts = progress.add_table("dbo.Posts", 1_234_567_890);
        posts.set_state(TablePhase::Running);
        posts.add(123_456_789, 300 << 30);
        posts.set_partitions(128);
        (0..999).for_each(|_| drop(progress.add_table("dbo.Other", 1000)));
        let pool = |side| PoolState {
            side,
            max_connections: 12,
            open: 12,
            in_use: 12,
            waiting: u64::from(side == Side::Source) * 3,
            acquisitions: 100,
            timeouts: 0,
            connects: 12,
            reconnects: 0,
            connect_errors: 0,
            waits: Durations::default(),
            uses: Durations::default(),
        };
        progress.watch_pools(PoolWatch::new(move || {
            vec![pool(Side::Source), pool(Side::Target)]
        }));
        let totals = progress.totals();
        let mut rate = Rate::default();
        rate.sample(Duration::ZERO, 0);
        rate.sample(Duration::from_secs(10), totals.rows);
        let text = message(progress.step(), &totals, &rate);
        assert!(text.chars().count() <= 45, "{}: {text}", text.len());
        assert!(text.ends_with("left"), "{text}");
        let shown = drawn(80, &progress);
        for part in [
            "123.5 M rows",
            "0/1000 tables  300.0 GiB",
            "  in use: source 12/12 (3 waiting), target 12/12",
        ] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }

    #[test]
    fn a_step_before_the_rows_shows_its_tables() {
        let progress = Progress::new();
        progress.begin(3, 7, "finding cut points and making tables");
        progress.expect_tables(5000);
        (0..12).for_each(|_| progress.one_table_more());
        let shown = drawn(100, &progress);
        assert!(
            shown.contains("step 3 of 7")
                && shown.contains("finding cut points and making tables  12/5000 tables"),
            "{shown}"
        );
    }

    /// A resume of 900,000 rows once promised an end within a second.
    #[test]
    fn rows_of_an_earlier_run_are_no_speed() {
        let progress = Progress::new();
        progress.begin(4, 7, "loading");
        let posts = progress.add_table("dbo.Posts", 1_000_000);
        posts.set_state(TablePhase::Running);
        posts.resume(900_000, 1);
        posts.add(1000, 1);
        let mut rate = Rate::default();
        rate.sample(Duration::ZERO, 0);
        rate.sample(Duration::from_secs(10), progress.totals().moved());
        let text = message(progress.step(), &progress.totals(), &rate);
        assert!(
            text.contains("100/s") && text.contains("16 min 30 s left"),
            "{text}"
        );
    }
}
