//! Aligned columns that fit the width.

use crate::cli::text::figures::{WIDTH, fit, pad, width};

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells under a heading. The first column gives way if the width is not enough.
pub(crate) struct Grid {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// An empty grid with the names and alignments of its columns.
    pub(crate) fn new(heading: &[(&str, Align)]) -> Self {
        Self {
            aligns: heading.iter().map(|(_, align)| *align).collect(),
            rows: vec![heading.iter().map(|(name, _)| (*name).to_owned()).collect()],
        }
    }

    /// One cell per column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.aligns.len());
        self.rows.push(cells);
    }

    /// All rows as lines of at most [`WIDTH`] columns of a terminal.
    pub(crate) fn render(&self) -> String {
        self.render_to(WIDTH)
    }

    /// As [`Self::render`], for another width.
    pub(crate) fn render_to(&self, most: usize) -> String {
        let mut widths: Vec<usize> = (0..self.aligns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| width(&row[column]));
                cells.max().unwrap_or(0)
            })
            .collect();
        let others: usize = widths.iter().skip(1).map(|width| width + 2).sum();
        if let Some(first) = widths.first_mut() {
            *first = (*first).min(most.saturating_sub(others).max(8));
        }
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &most), align) in row.iter().zip(&widths).zip(&self.aligns) {
                let cell = fit(cell, most);
                let blanks = pad(&cell, most);
                match align {
                    Align::Left => line.push_str(&format!("{cell}{blanks}  ")),
                    Align::Right => line.push_str(&format!("{blanks}{cell}  ")),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_first_gives_way() {
        let mut grid = Grid::new(&[("table", Align::Left), ("rows", Align::Right)]);
        grid.row(vec!["dbo.A".into(), "1,000".into()]);
        grid.row(vec!["dbo.Bb".into(), "1".into()]);
        assert_eq!(
            grid.render(),
            "table    rows\ndbo.A   1,000\ndbo.Bb      1\n"
        );
        grid.row(vec!["x".repeat(300), "5".into()]);
        assert!(
            grid.render()
                .lines()
                .all(|line| line.chars().count() <= WIDTH)
        );
    }
}
