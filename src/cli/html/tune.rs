//! The page of `tune --html`: the samples as curves, and the settings that follow from them.

use std::fmt::Write as _;

use crate::cli::html::escape::escape;
use crate::cli::html::findings::sentence;
use crate::cli::html::section;
use crate::cli::html::summary::{card, side};
use crate::cli::html::svg::{LEFT, RIGHT, drawing, round_up};
use crate::cli::html::time_line::key;
use crate::cli::html::whole;
use crate::cli::text;
use crate::cli::text::figures::{count, counted, mebibytes, seconds};
use crate::config::units::show_size;
use crate::report::timestamp::Timestamp;
use crate::report::tune::{Sample, TuneReport};

/// Height of a plot, and the room above it for the label of a point.
const HEIGHT: f64 = 170.0;
const TOP: f64 = 18.0;

/// A figure of a sample.
type Figure = fn(&Sample) -> f64;

const MIB: f64 = (1 << 20) as f64;

/// Everything below the head of the document.
pub(super) fn render(report: &TuneReport, at: Timestamp) -> String {
    let facts = &report.facts;
    let chosen = &report.recommendation;
    let connections = Series {
        varied: "connections",
        samples: &facts.samples,
        label: |sample| sample.measured.connections.to_string(),
        chosen: |sample, report| sample.measured.connections == report.recommendation.connections,
    };
    let commits = Series {
        varied: "commit_every",
        samples: &facts.commit_samples,
        label: |sample| show_size(sample.measured.commit_every),
        chosen: |sample, report| sample.measured.commit_every == report.recommendation.commit_every,
    };
    let why: String = chosen
        .because
        .iter()
        .map(|why| format!("<li>{}</li>", escape(&sentence(why))))
        .collect();
    let notes: String = facts
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>", escape(&sentence(note))))
        .collect();
    let notes = if notes.is_empty() {
        notes
    } else {
        format!("<ul>{notes}</ul>\n")
    };
    [
        head(report, at),
        section(
            "Recommended settings",
            &format!("<pre>{}</pre>\n", escape(&chosen.yaml)),
        ),
        section("Why", &format!("<ul>{why}</ul>\n")),
        section("By connections of each side", &connections.render(report)),
        section("By size of commits", &commits.render(report)),
        section(
            "Little's law",
            &format!(
                "<pre>{}</pre>\n",
                escape(text::tune::littles_law(report).trim())
            ),
        ),
        section("Notes", &notes),
        section("The report as text", &whole(&text::tune::render(report))),
    ]
    .concat()
}

fn head(report: &TuneReport, at: Timestamp) -> String {
    let (facts, chosen) = (&report.facts, &report.recommendation);
    let table = &facts.table;
    let mut cards = vec![
        card(
            "",
            &count(chosen.connections as u64),
            "connections of each side",
        ),
        card("", &show_size(chosen.commit_every), "size of a commit"),
        card("", &count(chosen.rows_per_second as u64), "rows per second"),
    ];
    if let Some(estimate) = &report.estimate {
        cards.push(card(
            "",
            &seconds(estimate.seconds),
            "for all rows of the job",
        ));
    }
    format!(
        "<header><h1>Settings for {}</h1></header>\n<p class=\"dim\">From {}, to {}; measured at {at}</p>\n\
         <p class=\"dim\">Rows of {} ({}), about {}, {}, in {}; {} s for each sample; {}</p>\n\
         <div class=\"cards\">{}</div>\n<p class=\"say\">{}</p>\n",
        escape(&facts.job),
        side("SQL Server", &facts.source),
        side("PostgreSQL", &facts.target),
        escape(&table.table),
        escape(&table.strategy),
        count(table.estimated_rows),
        mebibytes(table.estimated_bytes),
        counted(table.ranges, "range"),
        facts.settings.sample_seconds,
        counted(facts.settings.cores, "CPU"),
        cards.concat(),
        escape(&sentence(
            text::tune::estimate(report.estimate.as_ref()).trim()
        ))
    )
}

/// Samples that differ in one setting.
struct Series<'a> {
    varied: &'static str,
    samples: &'a [Sample],
    label: fn(&Sample) -> String,
    chosen: fn(&Sample, &TuneReport) -> bool,
}

impl Series<'_> {
    /// Two curves and the figures; nothing without samples.
    fn render(&self, report: &TuneReport) -> String {
        if self.samples.is_empty() {
            return String::new();
        }
        let most = self.samples.iter().map(rate).fold(0.0, f64::max);
        let speed = Plot {
            series: self,
            report,
            top: round_up(most * 1.05),
        };
        let mut marks = speed.frame(&format!("{} MiB/s", speed.top));
        marks.push_str(&speed.curve("curve", rate));
        marks.push_str(&speed.points("t0", rate, |value| format!("{value:.1}")));
        let rates = drawing(
            HEIGHT + 18.0,
            &format!("MiB per second by {}", self.varied),
            &marks,
        );
        let waits = Plot {
            series: self,
            report,
            top: 100.0,
        };
        let mut marks = waits.frame("100 %");
        let sides: [(&str, &str, Figure); 2] = [
            ("curve", "t0", |sample| sample.waiting_for_source * 100.0),
            ("waits", "t1", |sample| sample.waiting_for_target * 100.0),
        ];
        for (line, point, value) in sides {
            marks.push_str(&waits.curve(line, value));
            marks.push_str(&waits.points(point, value, |_| String::new()));
        }
        let shares = drawing(
            HEIGHT + 18.0,
            &format!("shares of waiting by {}", self.varied),
            &marks,
        );
        let legend = key("t0", "waiting for the source") + &key("t1", "waiting for the target");
        format!(
            "<figure>{rates}<figcaption>Committed MiB per second by {}; the ring is the recommended setting.</figcaption></figure>\n\
             <figure>{shares}<figcaption class=\"legend\"><span>Where the connections' time went:</span>{legend}</figcaption></figure>\n{}",
            self.varied,
            self.table(report)
        )
    }

    fn table(&self, report: &TuneReport) -> String {
        let rows = self.samples.iter().map(|sample| {
            let measured = &sample.measured;
            let percent = |share: f64| format!("{:.0} %", share * 100.0);
            let cells = [
                count(sample.rows_per_second.round() as u64),
                format!("{:.1}", rate(sample)),
                percent(sample.waiting_for_source),
                percent(sample.waiting_for_target),
                format!("{:.2}", sample.source_ms_per_batch),
                format!("{:.2}", sample.target_ms_per_batch),
                measured
                    .tool_cpu
                    .map_or("?".to_owned(), |cpu| format!("{cpu:.2}")),
                measured.machine_busy.map_or("?".to_owned(), percent),
            ];
            let cells = cells
                .map(|cell| format!("<td class=\"n\">{cell}</td>"))
                .concat();
            let mut remarks = Vec::new();
            if (self.chosen)(sample, report) {
                remarks.push("recommended");
            }
            if measured.again {
                remarks.push("again");
            }
            format!(
                "<tr><td class=\"n\">{}</td>{cells}<td class=\"word\">{}</td></tr>\n",
                (self.label)(sample),
                remarks.join(", ")
            )
        });
        const HEADS: [&str; 8] = [
            "rows/s",
            "MiB/s",
            "waits for source",
            "for target",
            "ms/batch, source",
            "target",
            "tool CPU s",
            "CPUs busy",
        ];
        let heads = HEADS
            .map(|head| format!("<th class=\"n\">{head}</th>"))
            .concat();
        format!(
            "<div class=\"scroll\"><table class=\"broad\"><thead><tr><th class=\"n\">{}</th>{heads}<th></th></tr></thead><tbody>\n{}</tbody></table></div>\n",
            self.varied,
            rows.collect::<String>()
        )
    }
}

fn rate(sample: &Sample) -> f64 {
    sample.bytes_per_second / MIB
}

/// Values of a series from 0 to `top`, its samples at equal distances.
struct Plot<'a> {
    series: &'a Series<'a>,
    report: &'a TuneReport,
    top: f64,
}

impl Plot<'_> {
    fn x(&self, place: usize) -> f64 {
        let steps = self.series.samples.len() as f64;
        LEFT + (RIGHT - LEFT) * (place as f64 + 0.5) / steps
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - (value / self.top).clamp(0.0, 1.0) * (HEIGHT - TOP)
    }

    /// The ground line, what its top stands for, and the setting of each sample.
    fn frame(&self, top: &str) -> String {
        let mut out = format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>\
             <line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{TOP}\" y2=\"{TOP}\"/>\
             <text x=\"{LEFT}\" y=\"{:.0}\">{top}</text>",
            TOP - 5.0
        );
        for (place, sample) in self.series.samples.iter().enumerate() {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                self.x(place),
                HEIGHT + 13.0,
                (self.series.label)(sample)
            );
        }
        out
    }

    fn curve(&self, class: &str, value: Figure) -> String {
        let points = self.series.samples.iter().enumerate();
        let points = points
            .map(|(place, sample)| format!("{:.1},{:.1}", self.x(place), self.y(value(sample))));
        format!(
            "<polyline class=\"{class}\" points=\"{}\"/>",
            points.collect::<Vec<_>>().join(" ")
        )
    }

    /// A dot for each sample with its label above, and a ring around the recommended one.
    fn points(&self, class: &str, value: Figure, label: fn(f64) -> String) -> String {
        let mut out = String::new();
        for (place, sample) in self.series.samples.iter().enumerate() {
            let (x, y) = (self.x(place), self.y(value(sample)));
            if (self.series.chosen)(sample, self.report) {
                let _ = write!(
                    out,
                    "<circle class=\"ring\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\"/>"
                );
            }
            let _ = write!(
                out,
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y - 11.0,
                label(value(sample))
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::html::{escape::escape, tuning};
    use crate::report::tune::tests::{facts, sample};

    fn page(facts: crate::report::tune::TuneFacts) -> String {
        tuning(
            &TuneReport::draw_up(facts).expect("a report"),
            Timestamp::now(),
        )
    }

    #[test]
    fn a_curve_has_a_point_for_each_sample_and_a_ring_for_the_recommended_one() {
        let samples = vec![
            sample(1, 100.0, 0.5),
            sample(2, 190.0, 0.5),
            sample(4, 192.0, 0.5),
        ];
        let page = page(facts(samples));
        for part in [
            "Settings for shop",
            ">100.0</text>",
            ">192.0</text>",
            "aria-label=\"MiB per second by connections\"",
            "aria-label=\"shares of waiting by connections\"",
            "max_connections: 2",
            "recommended</td>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        // Three of each curve, two rings' worth of plots with three curves in all.
        assert_eq!(page.matches("r=\"3.5\"").count(), 9);
        assert_eq!(page.matches("class=\"ring\"").count(), 3);
        assert!(!page.contains("By size of commits"), "nothing was sampled");
    }

    #[test]
    fn a_page_of_hostile_names_asks_for_nothing() {
        const HOSTILE: &str = "<script>alert('x')</script><img src=//evil.example/x>";
        let mut facts = facts(vec![sample(1, 100.0, 0.5)]);
        facts.job = HOSTILE.into();
        facts.table.table = HOSTILE.into();
        facts.notes = vec![HOSTILE.into()];
        facts.source.database = HOSTILE.into();
        let page = page(facts);
        assert!(page.contains(&escape(HOSTILE)));
        for markup in ["<script>alert", "<img", " style=\"", "http:", "https:"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert!(page.contains("default-src 'none'"), "{page}");
    }
}
