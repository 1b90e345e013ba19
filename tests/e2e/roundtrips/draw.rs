//! Repeatable choices.

use standin::prng::SplitMix64;

pub(super) struct Draw {
    bits: SplitMix64,
    /// Texts of keys are plain letters: to a collation of ICU some others are nothing at all.
    pub(super) tame: bool,
}

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            bits: SplitMix64::new(seed),
            tame: false,
        }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(i128::from(high) - i128::from(low) + 1).unwrap_or(u64::MAX);
        low.wrapping_add_unsigned(self.bits.below(span))
    }

    pub(super) fn size(&mut self, low: usize, high: usize) -> usize {
        low + usize::try_from(self.bits.below((high - low + 1) as u64)).expect("small")
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.bits.chance(times)
    }

    pub(super) fn one<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.size(0, from.len() - 1)]
    }

    /// Some of these, each once, in another order.
    pub(super) fn some<T: Copy>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut rest = from.to_vec();
        let mut taken = Vec::new();
        while taken.len() < count && !rest.is_empty() {
            taken.push(rest.swap_remove(self.size(0, rest.len() - 1)));
        }
        taken
    }
}
