//! Samples of a job as a table and a picture, and the recommended settings.

use crate::cli::text::figures::{WIDTH, count, counted, mebibytes, seconds, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::config::units::show_size;
use crate::report::pool::Side;
use crate::report::tune::littles_law::LittlesLaw;
use crate::report::tune::{Estimate, Sample, TuneFacts, TuneReport};

/// The report as text.
pub(crate) fn render(report: &TuneReport) -> String {
    let facts = &report.facts;
    let mut out = heading(facts);
    let chosen = report.recommendation.connections;
    let by_count = |sample: &Sample| sample.measured.connections.to_string();
    out.push_str("\nby connections of each side\n");
    out.push_str(&table(&facts.samples, "connections", by_count));
    out.push_str("\nMiB/s against connections\n");
    out.push_str(&picture(&facts.samples, by_count, |sample| {
        sample.measured.connections == chosen
    }));
    if !facts.commit_samples.is_empty() {
        let size = report.recommendation.commit_every;
        let by_size = |sample: &Sample| show_size(sample.measured.commit_every);
        out.push_str(&format!(
            "\nby transfer.commit_every, with {}\n",
            counted(chosen, "connection")
        ));
        out.push_str(&table(&facts.commit_samples, "commit_every", by_size));
        out.push_str("\nMiB/s against commit_every\n");
        out.push_str(&picture(&facts.commit_samples, by_size, |sample| {
            sample.measured.commit_every == size
        }));
    }
    out.push_str(&littles_law(report));
    out.push_str("\nrecommended\n");
    for line in report.recommendation.yaml.lines() {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str("\nwhy\n");
    for why in &report.recommendation.because {
        out.push_str(&wrap(why, "- ", "  "));
    }
    for note in &facts.notes {
        out.push_str(&wrap(&format!("note: {note}"), "- ", "  "));
    }
    out.push_str(&format!("\n{}", estimate(report.estimate.as_ref())));
    out.push_str(&format!("took {}\n", seconds(facts.seconds)));
    out
}

fn heading(facts: &TuneFacts) -> String {
    let (table, settings) = (&facts.table, &facts.settings);
    let logged = if table.unlogged { "UNLOGGED" } else { "logged" };
    let mut out = format!("job {}\n", facts.job);
    let line = format!(
        "{} ({}), about {} rows, {}, in {}; into a scratch table, {logged}; {} s per sample; \
         source.pool.max_connections {}, target.pool.max_connections {}; this machine: {}",
        table.table,
        table.strategy,
        count(table.estimated_rows),
        mebibytes(table.estimated_bytes),
        counted(table.ranges, "range"),
        settings.sample_seconds,
        settings.source_connections,
        settings.target_connections,
        counted(settings.cores, "CPU"),
    );
    out.push_str(&wrap(&line, "", "  "));
    out
}

/// One line per sample; `key` says what was varied.
fn table(samples: &[Sample], varied: &str, key: impl Fn(&Sample) -> String) -> String {
    let mut grid = Grid::new(&[
        (varied, Align::Right),
        ("rows/s", Align::Right),
        ("MiB/s", Align::Right),
        ("source", Align::Right),
        ("target", Align::Right),
        ("ms/batch", Align::Right),
        ("ms/batch", Align::Right),
        ("tool CPU s", Align::Right),
        ("CPUs busy", Align::Right),
        ("", Align::Left),
    ]);
    grid.row(
        ["", "", "", "wait", "wait", "source", "target", "", "", ""]
            .map(str::to_owned)
            .to_vec(),
    );
    for sample in samples {
        let measured = &sample.measured;
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        grid.row(vec![
            key(sample),
            count(sample.rows_per_second.round() as u64),
            mib(sample),
            percent(sample.waiting_for_source),
            percent(sample.waiting_for_target),
            format!("{:.2}", sample.source_ms_per_batch),
            format!("{:.2}", sample.target_ms_per_batch),
            or_unknown(measured.tool_cpu.map(|cpu| format!("{cpu:.2}"))),
            or_unknown(measured.machine_busy.map(percent)),
            if measured.again { "again" } else { "" }.to_owned(),
        ]);
    }
    grid.render()
}

fn mib(sample: &Sample) -> String {
    format!("{:.1}", sample.bytes_per_second / f64::from(1 << 20))
}

/// Bars as long as their sample is fast, the recommended one marked.
fn picture(
    samples: &[Sample],
    key: impl Fn(&Sample) -> String,
    chosen: impl Fn(&Sample) -> bool,
) -> String {
    const MARK: &str = "  <- recommended";
    let width = |texts: Vec<String>| texts.iter().map(|text| text.len()).max();
    let keys = width(samples.iter().map(&key).collect()).unwrap_or(0);
    let rates = width(samples.iter().map(mib).collect()).unwrap_or(0);
    // Two blanks before the key, " |" after it, one blank before the rate.
    let room = WIDTH.saturating_sub(2 + keys + 2 + 1 + rates + MARK.len());
    let rate = |sample: &Sample| sample.bytes_per_second;
    let most = samples.iter().map(rate).fold(f64::MIN_POSITIVE, f64::max);
    let mut out = String::new();
    for sample in samples {
        let length = (rate(sample) / most * room as f64).round() as usize;
        let mark = if chosen(sample) { MARK } else { "" };
        out.push_str(&format!(
            "  {:>keys$} |{} {}{mark}\n",
            key(sample),
            "#".repeat(length),
            mib(sample)
        ));
    }
    out
}

/// The formula with the figures of both sides.
pub(crate) fn littles_law(report: &TuneReport) -> String {
    let mut out = String::from(
        "\nLittle's law: connections at work = batches per second x seconds per batch\n",
    );
    let chosen = report.recommendation.connections;
    for law in &report.littles_law {
        out.push_str(&formula(law, chosen));
    }
    out
}

fn formula(law: &LittlesLaw, chosen: usize) -> String {
    let side = match law.side {
        Side::Source => "source",
        Side::Target => "target",
    };
    let (rate, alone, together) = (law.batches_per_second, law.alone_ms, law.together_ms);
    let mut out = format!(
        "  {side}  {rate:.0}/s x {alone:.2} ms = {:.2} if a batch takes as long as with {}\n",
        law.needed,
        counted(law.alone_connections, "connection")
    );
    if chosen > 1 {
        out.push_str(&format!(
            "          {rate:.0}/s x {together:.2} ms = {:.2} of {chosen} as measured\n",
            law.at_work
        ));
    }
    out
}

/// How long the whole job would take, as a sentence.
pub(crate) fn estimate(estimate: Option<&Estimate>) -> String {
    match estimate {
        Some(estimate) => wrap(
            &format!(
                "estimate for the whole job: {} at {}/s (sizes as in the source's catalog) take {}, \
                 keys, indexes and comparing not counted.",
                mebibytes(estimate.source_bytes),
                mebibytes(estimate.source_bytes_per_second.round() as u64),
                seconds(estimate.seconds)
            ),
            "",
            "  ",
        ),
        None => "no estimate for the whole job: the source's catalog has no sizes.\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Endpoint;
    use crate::report::tune::{Measured, SampledTable, Settings};

    fn sample(connections: usize, size: u64, mib: u64) -> Sample {
        let measured = Measured {
            connections,
            commit_every: size << 20,
            seconds: 1.0,
            rows: mib * 1024,
            bytes: mib << 20,
            batches: mib * 4,
            reading: 0.5,
            tool_cpu: Some(0.25),
            again: connections > 1,
            ..Measured::default()
        };
        Sample::new(measured, 2)
    }

    fn report() -> TuneReport {
        let facts = TuneFacts {
            job: "shop".into(),
            source: Endpoint::default(),
            target: Endpoint::default(),
            table: SampledTable {
                table: format!("dbo.{}", "Long".repeat(40)),
                strategy: "keyset".into(),
                estimated_rows: 17_142_169,
                estimated_bytes: 40 << 30,
                job_bytes: 80 << 30,
                ranges: 8,
                unlogged: false,
            },
            settings: Settings {
                source_connections: 4,
                source_min_connections: 1,
                target_connections: 4,
                max_partitions_per_table: 8,
                partitions_in_flight: None,
                commit_every: 64 << 20,
                cores: 2,
                sample_seconds: 3.0,
            },
            samples: vec![sample(1, 64, 50), sample(2, 64, 100), sample(4, 64, 99)],
            commit_samples: vec![sample(2, 4, 80), sample(2, 64, 100)],
            notes: vec!["a note".into()],
            seconds: 21.5,
        };
        TuneReport::draw_up(facts).expect("a report")
    }

    #[test]
    fn everything_fits_the_width() {
        let text = render(&report());
        for line in text.lines() {
            assert!(
                line.chars().count() <= WIDTH || line.contains("LongLong"),
                "{line}"
            );
        }
        assert!(text.contains("    max_connections: 2\n"), "{text}");
        assert!(text.contains("again"), "{text}");
        assert!(text.contains("- note: a note"), "{text}");
    }

    #[test]
    fn bars_are_as_long_as_their_sample_is_fast() {
        let text = render(&report());
        let bar = |start: &str| {
            let line = text.lines().find(|line| line.starts_with(start));
            let line = line.unwrap_or_else(|| panic!("{start}: {text}"));
            (line.matches('#').count(), line.contains("<- recommended"))
        };
        let (one, two, four) = (bar("  1 |"), bar("  2 |"), bar("  4 |"));
        assert_eq!((one.1, two.1, four.1), (false, true, false));
        assert!(one.0.abs_diff(two.0 / 2) <= 1, "{one:?} {two:?}");
        assert!(four.0 <= two.0 && four.0 + 2 > two.0);
        assert!(bar("  64MiB |").1 && !bar("   4MiB |").1);
    }

    #[test]
    fn the_formula_stands_beside_what_was_measured() {
        let text = render(&report());
        // 400 batches a second; alone 200 batches took half a second of reading.
        assert!(
            text.contains("source  400/s x 2.50 ms = 1.00 if a batch"),
            "{text}"
        );
        assert!(
            text.contains("400/s x 1.25 ms = 0.50 of 2 as measured"),
            "{text}"
        );
        assert!(
            text.contains("estimate for the whole job: 80.0 GiB at"),
            "{text}"
        );
    }
}
