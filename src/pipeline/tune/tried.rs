//! Which settings `tune` tries: numbers of connections and sizes of commits.

use crate::report::tune::Sample;

/// Sizes of commits that are worth telling apart.
const COMMIT_SIZES: [u64; 4] = [4 << 20, 16 << 20, 64 << 20, 256 << 20];

/// A sample tells a size of commits only if a connection commits more often than this in it.
const COMMITS_PER_SAMPLE: f64 = 2.0;

/// 1, 2, 4, ... and the cap.
pub(super) fn counts(cap: usize) -> Vec<usize> {
    let doubled = std::iter::successors(Some(1_usize), |count| count.checked_mul(2));
    let mut counts = doubled.take_while(|count| *count < cap).collect::<Vec<_>>();
    counts.push(cap.max(1));
    counts
}

/// The job's own size and those of [`COMMIT_SIZES`] that a connection reaches often enough within
/// a sample like this one. None if only the job's own is left: there is nothing to compare.
pub(super) fn commit_sizes(own: u64, sample: &Sample) -> Vec<u64> {
    let moved = sample.measured.bytes as f64 / sample.measured.connections.max(1) as f64;
    let told = |size: &u64| *size as f64 * COMMITS_PER_SAMPLE <= moved;
    let mut sizes = COMMIT_SIZES.into_iter().filter(told).collect::<Vec<_>>();
    sizes.push(own);
    sizes.sort_unstable();
    sizes.dedup();
    match sizes.len() {
        1 => Vec::new(),
        _ => sizes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tune::Measured;

    #[test]
    fn connections_double_up_to_the_cap() {
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(2), [1, 2]);
        assert_eq!(counts(8), [1, 2, 4, 8]);
        assert_eq!(counts(12), [1, 2, 4, 8, 12]);
    }

    #[test]
    fn commits_are_tried_that_a_connection_makes_within_a_sample() {
        let sizes = |own: u64, mib: u64| {
            let measured = Measured {
                connections: 2,
                bytes: mib << 20,
                ..Measured::default()
            };
            let sizes = commit_sizes(own << 20, &Sample::new(measured, 1));
            sizes.into_iter().map(|size| size >> 20).collect::<Vec<_>>()
        };
        assert_eq!(sizes(64, 2000), [4, 16, 64, 256]);
        assert_eq!(sizes(64, 100), [4, 16, 64]);
        assert_eq!(sizes(8, 40), [4, 8]);
        assert!(sizes(64, 10).is_empty());
        assert!(sizes(4, 20).is_empty());
    }
}
