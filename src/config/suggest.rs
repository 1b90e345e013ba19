//! "Did you mean": the known word nearest to one that is not known.

/// The nearest of `known`, if it is near enough to be meant: a third of its letters, at least one, may
/// differ, be left out, be added, or be swapped with their neighbour.
pub(crate) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted: String = plain(word).chars().take(64).collect();
    known
        .iter()
        .map(|candidate| {
            let letters = plain(candidate);
            let distance = strsim::osa_distance(&wanted, &letters);
            (distance, letters.chars().count(), *candidate)
        })
        .filter(|(distance, length, _)| *distance <= (length / 3).max(1))
        .min()
        .map(|(_, _, candidate)| candidate)
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
