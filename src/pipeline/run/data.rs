//! What a run has found out and done so far.

use std::sync::Arc;

use crate::error::Error;
use crate::pipeline::context::{TableLoad, UnreadyTable};
use crate::pipeline::run::completed::CompletedObjects;
use crate::pipeline::run::resume::JobState;
use crate::pipeline::survey::Survey;
use crate::report::Endpoint;
use crate::report::timestamp::Timestamp;
use crate::report::verify::VerifyReport;

/// Filled by one step of the run after another; the report is drawn up from it.
pub struct RunData {
    pub started: Timestamp,
    pub survey: Survey,
    /// Set before the run is registered.
    pub target: Endpoint,
    /// What the state tables said before this run changed anything; set when it is registered.
    pub state: JobState,
    /// Tables that could not be made ready to be loaded.
    pub unready: Vec<UnreadyTable>,
    /// Tables that were loaded, or were done before.
    pub tables: Vec<Arc<TableLoad>>,
    /// What became of foreign keys, sequences and views.
    pub objects: CompletedObjects,
    /// Why the run failed though no table did.
    pub ended_by: Option<Error>,
    /// `None` if the job does not ask for it or a stop came first.
    pub verification: Option<VerifyReport>,
}

impl RunData {
    /// A run that has planned its tables and done nothing else.
    pub fn new(started: Timestamp, survey: Survey) -> Self {
        Self {
            started,
            survey,
            target: Endpoint::default(),
            state: JobState::default(),
            unready: Vec::new(),
            tables: Vec::new(),
            objects: CompletedObjects::default(),
            ended_by: None,
            verification: None,
        }
    }
}
