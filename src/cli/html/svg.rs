//! Drawings of a page: scales, ticks and marks, in units of a view box that is 1000 wide.

use std::fmt::Write as _;

/// Where the plot begins and ends, with room for labels on its left.
pub(super) const LEFT: f64 = 46.0;
pub(super) const RIGHT: f64 = 994.0;

/// Seconds of a run as places on its time axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeAxis {
    seconds: f64,
}

impl TimeAxis {
    pub(super) fn new(seconds: f64) -> Self {
        let seconds = seconds.max(0.001);
        Self { seconds }
    }

    pub(super) fn x(self, at: f64) -> f64 {
        LEFT + (at / self.seconds).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Lines and labels of round times, down to `bottom`.
    pub(super) fn grid(self, bottom: f64) -> String {
        let step = round_step(self.seconds / 8.0);
        let mut out = String::new();
        let mut at = 0.0;
        while at <= self.seconds {
            let x = self.x(at);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{bottom:.0}\"/>\
                 <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                bottom + 13.0,
                clock(at, step)
            );
            at += step;
        }
        out
    }
}

/// The next of 1, 2, 5, 10, 15, 30 and so on that people count time by.
fn round_step(least: f64) -> f64 {
    const STEPS: [f64; 22] = [
        0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0,
        1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 43_200.0, 86_400.0,
    ];
    let day = 86_400.0;
    STEPS
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or_else(|| (least / day).ceil() * day)
}

/// `0.5 s`, `40 s`, `2:30`, `3:05 h`.
fn clock(at: f64, step: f64) -> String {
    let whole = at.round() as u64;
    if step < 1.0 {
        format!("{at:.2} s")
    } else if step < 30.0 && at < 60.0 {
        format!("{whole} s")
    } else if step < 3600.0 && whole < 3600 {
        format!("{}:{:02}", whole / 60, whole % 60)
    } else {
        format!("{}:{:02} h", whole / 3600, whole / 60 % 60)
    }
}

/// A round number that is not far above `most`.
pub(super) fn round_up(most: f64) -> f64 {
    if most <= 1.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let factors = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    let factor = factors.into_iter().find(|factor| factor * power >= most);
    factor.unwrap_or(10.0) * power
}

/// `250`, `250 k`, `1.5 M`: a round number where there is little room.
pub(super) fn brief(number: f64) -> String {
    let (number, unit) = match number {
        number if number >= 1e9 => (number / 1e9, " G"),
        number if number >= 1e6 => (number / 1e6, " M"),
        number if number >= 1e3 => (number / 1e3, " k"),
        number => (number, ""),
    };
    format!("{number}{unit}")
}

/// A drawing of this height, with what a screen reader says of it.
pub(super) fn drawing(height: f64, name: &str, marks: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 1000 {height:.0}\" role=\"img\" aria-label=\"{name}\">{marks}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(
            [
                round_up(0.0),
                round_up(7.0),
                round_up(10.0),
                round_up(1234.0)
            ],
            [1.0, 8.0, 10.0, 1500.0]
        );
        assert_eq!(
            [round_step(0.3), round_step(7.0), round_step(100.0)],
            [0.5, 10.0, 120.0]
        );
        assert_eq!(round_step(100_000.0), 172_800.0);
        assert_eq!(
            [brief(250.0), brief(250_000.0), brief(1.5e6)],
            ["250", "250 k", "1.5 M"]
        );
        assert_eq!(
            [clock(2.0, 1.0), clock(90.0, 30.0), clock(11_100.0, 3600.0)],
            ["2 s", "1:30", "3:05 h"]
        );
    }

    #[test]
    fn a_run_of_any_length_has_few_ticks() {
        for seconds in [0.0, 0.4, 3.0, 59.0, 3600.0, 1e6] {
            let grid = TimeAxis::new(seconds).grid(100.0);
            assert!(
                (1..=10).contains(&grid.matches("<text").count()),
                "{seconds}: {grid}"
            );
        }
    }
}
