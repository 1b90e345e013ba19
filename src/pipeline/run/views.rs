//! Makes views.

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::plan::object::ViewPlan;
use crate::postgres::objects;
use crate::report::Omission;

/// The inner result is the view's own, the outer one the run's.
pub async fn make_view(run: &Run, view: &ViewPlan) -> Result<Result<()>> {
    let made = run.on_target(|mut target| async move {
        objects::make_view(&mut target, run.fence(), view).await
    });
    match made.await {
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::JobHeld) => Err(error),
        other => Ok(other),
    }
}

/// A view that is left out because PostgreSQL refuses it.
pub fn unmade_view(view: &ViewPlan, error: &Error) -> Omission {
    Omission {
        table: view.source.clone(),
        object: "view".to_owned(),
        reason: error.to_string(),
        text: Some(view.query.clone()),
    }
}
