//! The smallest view that still reads differently: with fewer choices, and with simpler ones.

use super::compare::{Outcome, View, compare};
use super::grammar;
use crate::draw::Draw;

/// How often all smaller views are tried at once, and how many of them.
const ROUNDS: usize = 8;
const CANDIDATES: usize = 80;

/// A view that differs, and how.
pub struct Found {
    pub query: String,
    pub difference: String,
}

/// From the choices of a view that reads differently.
pub fn smallest(choices: Vec<u64>, found: Found) -> Found {
    let mut best = (choices, found);
    for _ in 0..ROUNDS {
        let candidates = smaller(&best.0, best.1.query.len());
        let views: Vec<View> = candidates
            .iter()
            .enumerate()
            .map(|(at, (_, query))| View {
                name: format!("v{at}"),
                query: query.clone(),
                function: None,
            })
            .collect();
        let outcomes = compare(&views);
        let failing = candidates.into_iter().zip(outcomes);
        let failing = failing.filter_map(|((choices, query), outcome)| match outcome {
            Outcome::Different(difference) => Some((choices, Found { query, difference })),
            _ => None,
        });
        match failing.min_by_key(|(_, found)| found.query.len()) {
            Some(shorter) => best = shorter,
            None => break,
        }
    }
    best.1
}

/// Shorter views by leaving out stretches of the choices, or by taking the simplest instead.
fn smaller(choices: &[u64], length: usize) -> Vec<(Vec<u64>, String)> {
    let mut made: Vec<(Vec<u64>, String)> = Vec::new();
    let mut add = |choices: Vec<u64>| {
        let mut draw = Draw::replay(choices);
        let query = grammar::view(&mut draw);
        if query.len() < length && made.iter().all(|(_, other)| *other != query) {
            made.push((draw.made().to_vec(), query));
        }
    };
    for size in [choices.len() / 2, choices.len() / 4, 8, 4, 2, 1] {
        for at in (0..choices.len()).step_by(size.max(1)) {
            let end = (at + size.max(1)).min(choices.len());
            add([&choices[..at], &choices[end..]].concat());
            let zeros = vec![0; end - at];
            add([&choices[..at], &zeros, &choices[end..]].concat());
        }
    }
    made.sort_by_key(|(_, query)| query.len());
    let step = made.len().div_ceil(CANDIDATES).max(1);
    made.into_iter().step_by(step).collect()
}
