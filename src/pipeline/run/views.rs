//! Makes views.

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::retry::retry_to_completion;
use crate::plan::object::ViewPlan;
use crate::postgres::objects as shore;
use crate::report::Omission;

/// The inner result is of the view, the outer one of the run.
pub async fn make_view(run: &Run, view: &ViewPlan) -> Result<Result<()>> {
    let made = retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
        shore::make_view(&mut *run.target.acquire().await?, run.fence(), view).await
    })
    .await;
    match made {
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::JobHeld) => Err(error),
        other => Ok(other),
    }
}

/// A view that is left out because PostgreSQL does not take it.
pub fn unmade_view(view: &ViewPlan, error: &Error) -> Omission {
    Omission {
        table: view.source.clone(),
        object: "view".to_owned(),
        reason: error.to_string(),
        text: Some(view.query.clone()),
    }
}
