//! The phases of a run, one after the other, from its steps and bars.

use serde::Serialize;

use crate::report::timeline::Timeline;

/// What a run did for a part of its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Phase {
    /// `connect`, `plan`, `prepare`, `load`, `index`, `keys`, `verify` or `record`.
    pub name: &'static str,
    pub seconds: f64,
}

/// The step in which rows are loaded; indexes of other tables are made meanwhile.
const LOADING: u32 = 4;

impl Timeline {
    /// The phases that took time, in their order. `load` ends with the last row: until then indexes are
    /// made beside it, and what is left of the step is `index`.
    pub fn phases(&self) -> Vec<Phase> {
        let mut phases: Vec<Phase> = Vec::new();
        let mut add = |name, seconds: f64| match phases.last_mut() {
            Some(last) if last.name == name => last.seconds += seconds,
            _ if seconds > 0.0 => phases.push(Phase { name, seconds }),
            _ => {}
        };
        let last_row = self
            .bars
            .iter()
            .map(|bar| bar.committed)
            .fold(0.0, f64::max);
        for step in &self.steps {
            if step.number == LOADING {
                let loaded = last_row.clamp(step.start, step.end);
                add("load", loaded - step.start);
                add("index", step.end - loaded);
            } else {
                add(name(step.number), step.end - step.start);
            }
        }
        phases
    }
}

fn name(step: u32) -> &'static str {
    match step {
        0 | 1 => "connect",
        2 => "plan",
        3 => "prepare",
        5 => "keys",
        6 => "verify",
        _ => "record",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::time::TimeSpent;
    use crate::report::timeline::{Bar, StepSpan};

    #[test]
    fn loading_ends_with_the_last_row() {
        let step = |number, start, end| StepSpan {
            number,
            name: "as the log says".into(),
            start,
            end,
        };
        let bar = Bar {
            lane: 1,
            table: None,
            partition: None,
            partitions: 2,
            start: 3.0,
            end: 7.0,
            committed: 8.0,
            rows: 1,
            bytes: 1,
            failed: false,
            waits: TimeSpent::default(),
        };
        let timeline = Timeline {
            steps: vec![
                step(1, 0.0, 1.0),
                step(2, 1.0, 1.0),
                step(4, 2.0, 10.0),
                step(7, 10.0, 11.0),
                step(8, 11.0, 11.5),
            ],
            bars: vec![bar],
            ..Timeline::default()
        };
        let phases = timeline.phases();
        let phases: Vec<_> = phases
            .iter()
            .map(|phase| (phase.name, phase.seconds))
            .collect();
        assert_eq!(
            phases,
            [
                ("connect", 1.0),
                ("load", 6.0),
                ("index", 2.0),
                ("record", 1.5)
            ]
        );
    }
}
