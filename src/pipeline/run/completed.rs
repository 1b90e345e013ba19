//! What became of schema objects that are made after the load.

use std::collections::HashMap;

use crate::error::{Error, Kind};
use crate::report::Omission;
use crate::report::table::chain;

/// What could not be made, by the full name of its table.
pub type FailuresByTable = HashMap<String, Vec<Error>>;

/// What became of the objects that are made after the load.
#[derive(Default)]
pub struct CompletedObjects {
    /// By the full name of the table whose indexes or constraints could not be made.
    pub failures: FailuresByTable,
    /// What waits for something that is not there.
    pub omissions: Vec<Omission>,
    /// What a reader of the report must know, by the full name of the table.
    pub notes: Vec<(String, String)>,
    /// A stop came first; the same command makes the rest.
    pub stopped: bool,
}

/// All that a table lacks, as one error.
pub fn unmade_error(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let kind = errors.first().map_or(Kind::Internal, Error::kind);
    let mut text = format!("{} objects could not be made:", errors.len());
    for error in &errors {
        let causes = chain(error).into_iter();
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        text.push_str(&format!("\n  - {}{causes}", error.message()));
    }
    Error::new(kind, text)
}
