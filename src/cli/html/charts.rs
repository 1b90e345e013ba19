//! Charts of a run: its phases, its speed and its pools over time.

use std::fmt::Write as _;

use crate::cli::html::svg::{LEFT, RIGHT, TimeAxis, brief, drawing, round_up};
use crate::cli::html::time_line::key;
use crate::cli::text::figures::{seconds, short};
use crate::report::pool::Side;
use crate::report::timeline::{Phase, Sample};

/// Height of a plot.
const HEIGHT: f64 = 110.0;
/// A phase of less has no room for its name.
const NAMED: f64 = 60.0;

/// The phases as one bar.
pub(super) fn phases(phases: &[Phase]) -> String {
    let all: f64 = phases.iter().map(|phase| phase.seconds).sum();
    if all <= 0.0 {
        return String::new();
    }
    let (mut marks, mut legend, mut x) = (String::new(), String::new(), 0.0);
    for (number, phase) in phases.iter().enumerate() {
        let width = phase.seconds / all * 1000.0;
        let said = format!("{} {}", phase.name, seconds(phase.seconds));
        let _ = write!(
            marks,
            "<g><title>{said}</title><rect class=\"t{number}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"26\"/>"
        );
        if width >= NAMED {
            let _ = write!(
                marks,
                "<text class=\"on\" x=\"{:.1}\" y=\"17\" text-anchor=\"middle\">{}</text>",
                x + width / 2.0,
                phase.name
            );
        }
        marks.push_str("</g>");
        legend.push_str(&key(&format!("t{number}"), &said));
        x += width;
    }
    let picture = drawing(26.0, "phases of the run", &marks);
    format!("<figure>{picture}</figure><div class=\"legend\">{legend}</div>\n")
}

/// Rows per second, and both pools, over time.
pub(super) fn over_time(samples: &[Sample], caps: [usize; 2], run_seconds: f64) -> String {
    if samples.len() < 2 {
        return "<p class=\"dim\">The run was too short for samples: one is taken each second.</p>\n".to_owned();
    }
    let axis = TimeAxis::new(run_seconds);
    let most = samples
        .iter()
        .map(|sample| sample.rows_per_second)
        .fold(0.0, f64::max);
    let top = round_up(most);
    let rate = Plot { axis, top };
    let mut marks = rate.frame(&brief(top));
    marks.push_str(&rate.area(samples, |sample| sample.rows_per_second));
    let picture = drawing(HEIGHT + 18.0, "rows per second over time", &marks);
    let mut out = format!(
        "<figure>{picture}<figcaption>Rows sent per second; the peak is {}.</figcaption></figure>\n",
        short(most as u64)
    );
    for (side, cap) in [Side::Source, Side::Target].into_iter().zip(caps) {
        out.push_str(&pool(samples, axis, side, cap as f64));
    }
    out
}

fn pool(samples: &[Sample], axis: TimeAxis, side: Side, cap: f64) -> String {
    let of = |sample: &Sample| match side {
        Side::Source => sample.source,
        Side::Target => sample.target,
    };
    let name = side.word();
    let waiting = samples
        .iter()
        .map(|sample| of(sample).waiting)
        .fold(0.0, f64::max);
    let top = cap.max(waiting).max(1.0) * 1.08;
    let plot = Plot { axis, top };
    let mut marks = plot.frame("");
    let y = plot.y(cap);
    let _ = write!(
        marks,
        "<line class=\"cap\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">cap {cap}</text>",
        LEFT - 6.0,
        y + 4.0
    );
    marks.push_str(&plot.area(samples, |sample| of(sample).in_use));
    let waits = plot.points(samples, |sample| of(sample).waiting);
    let _ = write!(marks, "<polyline class=\"waits\" points=\"{waits}\"/>");
    let picture = drawing(
        HEIGHT + 18.0,
        &format!("connections of the {name}'s pool over time"),
        &marks,
    );
    let legend = key("t0", "in use") + &key("t1", "tasks that wait");
    format!(
        "<figure>{picture}<figcaption class=\"legend\"><span>Connections of the {name}'s pool:</span>{legend}</figcaption></figure>\n"
    )
}

/// A plot over the time of the run, from 0 to `top`.
struct Plot {
    axis: TimeAxis,
    top: f64,
}

impl Plot {
    fn y(&self, value: f64) -> f64 {
        HEIGHT - (value / self.top).clamp(0.0, 1.0) * HEIGHT
    }

    /// Lines of times, the ground line, and what the top stands for.
    fn frame(&self, top: &str) -> String {
        let x = LEFT - 6.0;
        format!(
            "{}<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>\
             <text x=\"{x}\" y=\"10\" text-anchor=\"end\">{top}</text><text x=\"{x}\" y=\"{HEIGHT}\" text-anchor=\"end\">0</text>",
            self.axis.grid(HEIGHT)
        )
    }

    fn points(&self, samples: &[Sample], value: impl Fn(&Sample) -> f64) -> String {
        let points = samples
            .iter()
            .map(|sample| format!("{:.1},{:.1}", self.axis.x(sample.at), self.y(value(sample))));
        points.collect::<Vec<_>>().join(" ")
    }

    fn area(&self, samples: &[Sample], value: impl Fn(&Sample) -> f64) -> String {
        let points = self.points(samples, value);
        let ends = samples.first().zip(samples.last());
        let (first, last) = ends.map_or((LEFT, LEFT), |(first, last)| {
            (self.axis.x(first.at), self.axis.x(last.at))
        });
        format!(
            "<polygon class=\"area\" points=\"{first:.1},{HEIGHT} {points} {last:.1},{HEIGHT}\"/><polyline class=\"curve\" points=\"{points}\"/>"
        )
    }
}
