//! The pool-size formula beside what was measured.
//!
//! Little's law (J. D. C. Little, "A Proof for the Queuing Formula L = λW", Operations Research 9,
//! 1961): the mean number of connections at work is the throughput times the mean time for which
//! one unit keeps a connection at work. The unit is a batch.

use serde::Serialize;

use crate::report::pool::Side;
use crate::report::tune::facts::Sample;

/// The formula for one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LittlesLaw {
    /// Which server the connections are to.
    pub side: Side,
    /// Throughput at the recommended connections.
    pub batches_per_second: f64,
    /// Connections of the smallest sample that moved a batch: 1 but on the slowest links.
    pub alone_connections: usize,
    /// A batch's time on a connection then.
    pub alone_ms: f64,
    /// Connections that the throughput needs if a batch takes no longer than that.
    pub needed: f64,
    /// A batch's time at the recommended connections; longer if they hinder each other.
    pub together_ms: f64,
    /// Connections of this side that were at work on average then.
    pub at_work: f64,
}

/// Source first. `alone` is the sample with the fewest connections, `chosen` the recommended one.
pub(super) fn both_sides(alone: &Sample, chosen: &Sample) -> Vec<LittlesLaw> {
    let throughput = chosen.batches_per_second();
    let law = |side, alone_ms, together_ms| LittlesLaw {
        side,
        batches_per_second: throughput,
        alone_connections: alone.measured.connections,
        alone_ms,
        needed: needed(throughput, alone_ms),
        together_ms,
        at_work: needed(throughput, together_ms),
    };
    vec![
        law(
            Side::Source,
            alone.source_ms_per_batch,
            chosen.source_ms_per_batch,
        ),
        law(
            Side::Target,
            alone.target_ms_per_batch,
            chosen.target_ms_per_batch,
        ),
    ]
}

/// L = λW, W in milliseconds.
pub fn needed(units_per_second: f64, ms_per_unit: f64) -> f64 {
    units_per_second * ms_per_unit / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tune::tests::sample;

    #[test]
    fn connections_are_throughput_times_time() {
        // 200 queries a second of 50 ms keep 10 connections at work.
        assert_eq!(needed(200.0, 50.0), 10.0);
        assert_eq!(needed(0.0, 50.0), 0.0);
    }

    /// Four connections moved twice what one did: so each batch took twice as long as alone.
    #[test]
    fn connections_that_hinder_each_other_show_as_longer_batches() {
        let (alone, four) = (sample(1, 100.0, 0.75), sample(4, 200.0, 0.75));
        let laws = both_sides(&alone, &four);
        let source = laws[0];
        assert_eq!((source.side, source.alone_connections), (Side::Source, 1));
        assert_eq!(source.batches_per_second, 800.0);
        // 7.5 s of reading for 4,000 batches, then 30 s for 8,000.
        assert_eq!((source.alone_ms, source.together_ms), (1.875, 3.75));
        assert_eq!((source.needed, source.at_work), (1.5, 3.0));
        let target = laws[1];
        assert_eq!((target.needed, target.at_work), (0.5, 1.0));
    }
}
