//! Random choices that can be made again, and fewer of them: what a failing case is made smaller by.

/// A stream of choices: read from a recording, and then either drawn or all zero.
pub struct Draw {
    recorded: Vec<u64>,
    at: usize,
    /// `None`: past the recording every choice is the first.
    state: Option<u64>,
}

impl Draw {
    /// New choices of this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self {
            recorded: Vec::new(),
            at: 0,
            state: Some(seed),
        }
    }

    /// The choices that were made before, in part or in whole.
    pub const fn replay(recorded: Vec<u64>) -> Self {
        Self {
            recorded,
            at: 0,
            state: None,
        }
    }

    /// The choices made so far.
    pub fn made(&self) -> &[u64] {
        &self.recorded[..self.at.min(self.recorded.len())]
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    pub fn next(&mut self) -> u64 {
        let at = self.at;
        self.at += 1;
        if let Some(value) = self.recorded.get(at) {
            return *value;
        }
        let Some(state) = self.state.as_mut() else {
            return 0;
        };
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let value = z ^ (z >> 31);
        self.recorded.push(value);
        value
    }

    /// A number below `count`; 0, the simplest, where the recording has ended.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// One of these; the first is the simplest.
    pub fn one<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// True once in that many times, and false after the recording has ended.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}
