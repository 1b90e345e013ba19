//! The time line of a run: a lane for each source connection, a bar for each partition.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::cli::html::escape::escape;
use crate::cli::html::svg::{LEFT, TimeAxis, drawing};
use crate::cli::text::figures::{count, counted, seconds};
use crate::report::time::{Activity, TimeSpent};
use crate::report::timeline::{Bar, TableSpan, Timeline};

/// Tables with a colour of their own; the others share one.
const COLOURS: usize = 10;
/// Height of a lane and of its bars.
const LANE: f64 = 16.0;
const BAR: f64 = 12.0;
/// Lanes for keys and indexes: the longest find room, and a chart stays on a screen.
const WORK_LANES: usize = 6;
/// A bar of less could not be seen.
const THINNEST: f64 = 0.7;

/// What partitions can wait for while they have their connections.
const WAITS: [Activity; 3] = [Activity::SourceRows, Activity::Copy, Activity::Commit];

/// The section's content; empty if no row was moved.
pub(super) fn render(timeline: &Timeline, run_seconds: f64) -> String {
    if timeline.bars.is_empty() {
        return String::new();
    }
    let colours = Colours::of(&timeline.bars);
    let axis = TimeAxis::new(run_seconds);
    let mut marks = String::new();
    let mut bottom = lanes(&mut marks, timeline, axis, &colours);
    let (drawn, left_out) = pack(&timeline.tables, axis);
    bottom = work(&mut marks, &drawn, bottom, &colours);
    let grid = axis.grid(bottom);
    let picture = drawing(
        bottom + 18.0,
        "time line of partitions by source connection",
        &(grid + &marks),
    );
    let mut caption = format!(
        "A lane for each of {}, a bar for each partition while it had the connection; the thin end is its last commit.",
        counted(timeline.lanes, "source connection")
    );
    let merged = timeline
        .bars
        .iter()
        .filter(|bar| bar.partitions > 1)
        .count();
    if merged > 0 {
        caption.push_str(" Neighbours were merged, because there were many.");
    }
    if !drawn.is_empty() {
        caption.push_str(
            " Below: tables from their last row until their keys and indexes were there.",
        );
    }
    if left_out > 0 {
        let _ = write!(
            caption,
            " Not drawn, because it took little time: {}.",
            counted(left_out, "table")
        );
    }
    format!(
        "<input class=\"pick\" type=\"radio\" name=\"colour\" id=\"by-table\" checked><label for=\"by-table\">by table</label>\
         <input class=\"pick\" type=\"radio\" name=\"colour\" id=\"by-wait\"><label for=\"by-wait\">by what they waited for</label>\
         <div class=\"legend by-table\">{}</div><div class=\"legend by-wait\">{}</div>\n\
         <figure>{picture}<figcaption>{caption}</figcaption></figure>\n",
        colours.legend(),
        wait_legend(),
    )
}

/// The class of each table's colour.
struct Colours<'t> {
    classes: HashMap<&'t str, usize>,
    /// By class.
    names: Vec<&'t str>,
    others: bool,
}

impl<'t> Colours<'t> {
    /// The tables that took the most time get one of their own.
    fn of(bars: &'t [Bar]) -> Self {
        let mut time = BTreeMap::<&str, f64>::new();
        for bar in bars {
            if let Some(table) = &bar.table {
                *time.entry(table).or_default() += bar.end - bar.start;
            }
        }
        let mut tables: Vec<_> = time.into_iter().collect();
        tables.sort_by(|one, other| other.1.total_cmp(&one.1));
        let several = bars.iter().any(|bar| bar.table.is_none());
        let names: Vec<_> = tables.iter().take(COLOURS).map(|(name, _)| *name).collect();
        Self {
            classes: names
                .iter()
                .enumerate()
                .map(|(class, name)| (*name, class))
                .collect(),
            others: several || tables.len() > names.len(),
            names,
        }
    }

    fn class(&self, table: Option<&str>) -> String {
        let class = table.and_then(|table| self.classes.get(table));
        class.map_or_else(|| "tx".to_owned(), |class| format!("t{class}"))
    }

    fn legend(&self) -> String {
        let named = self.names.iter().enumerate();
        let mut out: String = named
            .map(|(class, name)| key(&format!("t{class}"), &escape(name)))
            .collect();
        if self.others {
            out.push_str(&key("tx", "other tables"));
        }
        out
    }
}

/// A coloured square and its meaning, which is escaped.
pub(super) fn key(class: &str, meaning: &str) -> String {
    format!(
        "<span><svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"10\" height=\"10\" rx=\"2\"/></svg>{meaning}</span>"
    )
}

fn wait_legend() -> String {
    let mut out: String = WAITS
        .into_iter()
        .map(|activity| key(&format!("q{}", slot(activity)), activity.words()))
        .collect();
    out.push_str("<span class=\"dim\">(the largest share of each)</span>");
    out
}

/// The number of an activity's colour.
pub(super) fn slot(activity: Activity) -> usize {
    Activity::ALL
        .iter()
        .position(|one| *one == activity)
        .unwrap_or_default()
}

/// Draws the bars; gives where they end.
fn lanes(out: &mut String, timeline: &Timeline, axis: TimeAxis, colours: &Colours<'_>) -> f64 {
    for lane in 0..timeline.lanes {
        let y = lane as f64 * LANE;
        let _ = write!(
            out,
            "<rect class=\"lane\" x=\"{LEFT}\" y=\"{y}\" width=\"948\" height=\"{BAR}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 10.0,
            lane + 1
        );
    }
    for bar in &timeline.bars {
        let y = f64::from(bar.lane.saturating_sub(1)) * LANE;
        let class = colours.class(bar.table.as_deref());
        let wait = longest_wait(&bar.waits)
            .map_or_else(|| "wx".to_owned(), |wait| format!("w{}", slot(wait)));
        let failed = if bar.failed { " failed" } else { "" };
        let (start, end, committed) = (axis.x(bar.start), axis.x(bar.end), axis.x(bar.committed));
        let _ = write!(
            out,
            "<g><title>{}</title><rect class=\"{class} {wait}{failed}\" x=\"{start:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\"/>",
            told(bar),
            (end - start).max(THINNEST)
        );
        if committed - end > 1.0 {
            let _ = write!(
                out,
                "<rect class=\"{class} {wait} tail\" x=\"{end:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\"/>",
                y + 8.0,
                committed - end
            );
        }
        out.push_str("</g>");
    }
    timeline.lanes as f64 * LANE
}

/// What a bar says when it is pointed at.
fn told(bar: &Bar) -> String {
    let what = match (&bar.table, bar.partition) {
        (Some(table), Some(partition)) => format!("{}, partition {partition}", escape(table)),
        (Some(table), None) => format!("{}, {} partitions", escape(table), bar.partitions),
        (None, _) => format!("{} partitions of several tables", bar.partitions),
    };
    let waits = Activity::ALL
        .iter()
        .filter(|activity| bar.waits.share(**activity) >= 0.05);
    let waits = waits.map(|activity| {
        format!(
            "{} {:.0} %",
            activity.words(),
            bar.waits.share(*activity) * 100.0
        )
    });
    let failed = if bar.failed {
        "; ended with an error"
    } else {
        ""
    };
    format!(
        "{what}: {} rows in {}{failed}; {}",
        count(bar.rows),
        seconds(bar.committed - bar.start),
        waits.collect::<Vec<_>>().join(", ")
    )
}

/// What the partition waited for most while it had its connections.
fn longest_wait(waits: &TimeSpent) -> Option<Activity> {
    let longest = WAITS
        .into_iter()
        .max_by(|one, other| waits.seconds(*one).total_cmp(&waits.seconds(*other)))?;
    (waits.seconds(longest) > 0.0).then_some(longest)
}

/// A table's keys and indexes: lane, begin and end in seconds.
struct Work<'t> {
    table: &'t str,
    lane: usize,
    from: (f64, f64),
    /// On the axis.
    place: (f64, f64),
}

/// Assigns a lane to each table, the longest first. Also returns how many tables found no room.
fn pack(tables: &[TableSpan], axis: TimeAxis) -> (Vec<Work<'_>>, usize) {
    let spans = tables
        .iter()
        .filter_map(|table| Some((table, table.loaded?, table.end?)));
    let mut spans: Vec<_> = spans
        .filter(|(_, loaded, end)| axis.x(*end) - axis.x(*loaded) >= THINNEST)
        .collect();
    spans.sort_by(|one, other| (other.2 - other.1).total_cmp(&(one.2 - one.1)));
    let mut drawn: Vec<Work<'_>> = Vec::new();
    let mut left_out = 0;
    for (table, loaded, end) in spans {
        let place = (axis.x(loaded), axis.x(end));
        let free = |lane: &usize| {
            let mut others = drawn.iter().filter(|work| work.lane == *lane);
            others.all(|work| work.place.1 <= place.0 || place.1 <= work.place.0)
        };
        match (0..WORK_LANES).find(free) {
            Some(lane) => drawn.push(Work {
                table: &table.table,
                lane,
                from: (loaded, end),
                place,
            }),
            None => left_out += 1,
        }
    }
    (drawn, left_out)
}

/// Draws keys and indexes below `top`; gives where they end.
fn work(out: &mut String, drawn: &[Work<'_>], top: f64, colours: &Colours<'_>) -> f64 {
    let lanes = drawn.iter().map(|work| work.lane + 1).max().unwrap_or(0);
    if lanes == 0 {
        return top;
    }
    let top = top + 8.0;
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">index</text>",
        LEFT - 6.0,
        top + 10.0
    );
    for work in drawn {
        let y = top + work.lane as f64 * LANE;
        let _ = write!(
            out,
            "<g><title>{}: keys and indexes, {}</title><rect class=\"{} wx work\" x=\"{:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\"/></g>",
            escape(work.table),
            seconds(work.from.1 - work.from.0),
            colours.class(Some(work.table)),
            work.place.0,
            work.place.1 - work.place.0
        );
    }
    top + lanes as f64 * LANE
}
