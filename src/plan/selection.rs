//! Which tables the job names: patterns with `*` and `?`, compared without case.

use crate::config::job::Tables;

/// The job's include and exclude patterns.
#[derive(Debug)]
pub struct Selection<'a> {
    tables: &'a Tables,
}

impl<'a> Selection<'a> {
    /// The selection of the job's `tables` section.
    pub fn new(tables: &'a Tables) -> Self {
        Self { tables }
    }

    /// Whether the table of this full name (`dbo.Posts`) is to be copied.
    /// `exclude` wins over `include`.
    pub fn includes(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (self.tables.include.is_empty() || any(&self.tables.include)) && !any(&self.tables.exclude)
    }
}

/// Matches `name` against `pattern`; `*` stands for any text, `?` for one character.
///
/// Backtracks to the last `*` only, so the time is bounded by the product of the two lengths.
pub fn matches(pattern: &str, name: &str) -> bool {
    let fold = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<Vec<_>>()
    };
    let (pattern, name) = (fold(pattern), fold(name));
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == name[position] => {
                at += 1;
                position += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    position = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_without_case() {
        assert!(matches("dbo.*", "dbo.Posts"));
        assert!(matches("DBO.p?sts", "dbo.Posts"));
        assert!(matches("*.*", "a.b.c"));
        assert!(!matches("dbo.Post", "dbo.Posts"));
        assert!(!matches("dbo.?", "dbo."));
        assert!(matches("*ab*ab", "xxabyyab"));
    }

    #[test]
    fn exclude_wins_over_include() {
        let tables = Tables {
            include: vec!["dbo.*".into()],
            exclude: vec!["dbo.sys*".into()],
            ..Tables::default()
        };
        let selection = Selection::new(&tables);
        assert!(selection.includes("dbo.Posts"));
        assert!(!selection.includes("dbo.sysdiagrams"));
        assert!(!selection.includes("sales.Orders"));
    }
}
