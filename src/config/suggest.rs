//! "Did you mean": the known word nearest to one that is not known.

/// The nearest of `known`, where it is near enough to be meant: a third of its letters, at least
/// one, may differ.
pub(crate) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted: Vec<char> = plain(word).chars().take(64).collect();
    known
        .iter()
        .map(|candidate| {
            let letters: Vec<char> = plain(candidate).chars().collect();
            (distance(&wanted, &letters), letters.len(), *candidate)
        })
        .filter(|(distance, length, _)| *distance <= (length / 3).max(1))
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_meant() {
        let known = ["max_connections", "min_connections", "host", "port", "user"];
        for (typed, meant) in [
            ("max_conections", Some("max_connections")),
            ("maxConnections", Some("max_connections")),
            ("max-connections", Some("max_connections")),
            ("prot", Some("port")),
            ("hots", Some("host")),
            ("username", None),
            ("x", None),
        ] {
            assert_eq!(closest(typed, &known), meant, "{typed}");
        }
    }
}
