//! Makes functions and views, each after those that it uses.

use crate::error::{Kind, Result};
use crate::pipeline::context::Run;
use crate::plan::build::Planned;
use crate::plan::function::FunctionPlan;
use crate::plan::view::ViewPlan;
use crate::postgres::objects;
use crate::report::Omission;
use tsql::names::qualified;

/// Makes the helpers, and the functions that tables may call. One that PostgreSQL refuses is tried again,
/// and reported, when the tables are there: what calls it fails by itself.
///
/// # Errors
/// A helper cannot be made, or the run ends.
pub async fn make_functions_for_tables(run: &Run, planned: &Planned) -> Result<()> {
    let fence = run.fence();
    for helper in &planned.helpers {
        run.on_target(|mut target| async move {
            objects::make_helper(&mut target, fence, helper).await
        })
        .await?;
    }
    let early = |function: &&FunctionPlan| function.after_views.is_none();
    for function in planned.functions.iter().filter(early) {
        if let Err(error) = make_function(run, function).await? {
            tracing::debug!(%error, "tried again after the load");
        }
    }
    Ok(())
}

/// Makes all functions and views that are not there; what PostgreSQL refuses is left out, with what uses
/// it.
///
/// # Errors
/// The run's own.
pub async fn make_views(run: &Run, planned: &Planned) -> Result<Vec<Omission>> {
    let mut unmade = Unmade::default();
    for place in 0..=planned.views.len() {
        let now = |function: &&FunctionPlan| function.after_views.unwrap_or(0) == place;
        for function in planned.functions.iter().filter(now) {
            let object = Object {
                source: &function.source,
                kind: "function",
                sql: format!("{}(", qualified(&function.target)),
                text: &function.body,
            };
            if unmade.holds_up(&object) {
                continue;
            }
            if let Err(error) = make_function(run, function).await? {
                unmade.add(&object, error.to_string());
            }
        }
        let Some(view) = planned.views.get(place) else {
            continue;
        };
        let object = Object {
            source: &view.source,
            kind: "view",
            sql: qualified(&view.target),
            text: &view.query,
        };
        if unmade.holds_up(&object) {
            continue;
        }
        if let Err(error) = make_view(run, view).await? {
            unmade.add(&object, error.to_string());
        }
    }
    Ok(unmade.omissions)
}

struct Object<'a> {
    source: &'a str,
    kind: &'static str,
    /// How those that use it write it.
    sql: String,
    /// Its query.
    text: &'a str,
}

/// What PostgreSQL refused, and what needs that.
#[derive(Default)]
struct Unmade {
    omissions: Vec<Omission>,
    /// How it is written, what it is called, and why it is not there.
    missing: Vec<(String, String, String)>,
}

impl Unmade {
    fn add(&mut self, object: &Object<'_>, reason: String) {
        self.leave_out(object, reason.clone());
        let called = format!("{} {}", object.kind, object.source);
        self.missing.push((object.sql.clone(), called, reason));
    }

    fn leave_out(&mut self, object: &Object<'_>, reason: String) {
        self.omissions.push(Omission {
            table: object.source.to_owned(),
            object: object.kind.to_owned(),
            reason,
            text: Some(object.text.to_owned()),
        });
    }

    /// Whether it uses one that is not there, and so is left out with it.
    fn holds_up(&mut self, object: &Object<'_>) -> bool {
        let mut missing = self.missing.iter();
        let Some((_, called, reason)) = missing.find(|(sql, ..)| object.text.contains(sql)) else {
            return false;
        };
        let (called, reason) = (called.clone(), reason.clone());
        self.leave_out(
            object,
            format!("it uses {called}, which is left out: {reason}"),
        );
        self.missing.push((object.sql.clone(), called, reason));
        true
    }
}

/// The inner result is the function's own, the outer one the run's.
async fn make_function(run: &Run, function: &FunctionPlan) -> Result<Result<()>> {
    let made = run.on_target(|mut target| async move {
        objects::make_function(&mut target, run.fence(), function).await
    });
    of_object(made.await)
}

async fn make_view(run: &Run, view: &ViewPlan) -> Result<Result<()>> {
    let made = run.on_target(|mut target| async move {
        objects::make_view(&mut target, run.fence(), view).await
    });
    of_object(made.await)
}

fn of_object(made: Result<()>) -> Result<Result<()>> {
    match made {
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::JobHeld) => Err(error),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object<'a>(source: &'a str, sql: &str, text: &'a str) -> Object<'a> {
        Object {
            source,
            kind: "view",
            sql: sql.to_owned(),
            text,
        }
    }

    #[test]
    fn what_uses_a_missing_one_is_left_out_and_names_it() {
        let mut unmade = Unmade::default();
        let first = object("dbo.A", "\"a\"", "SELECT 1");
        assert!(!unmade.holds_up(&first));
        unmade.add(&first, "refused".to_owned());
        assert!(unmade.holds_up(&object("dbo.B", "\"b\"", "SELECT 1 FROM \"a\"")));
        assert!(unmade.holds_up(&object("dbo.C", "\"c\"", "SELECT 1 FROM \"b\"")));
        assert!(!unmade.holds_up(&object("dbo.D", "\"d\"", "SELECT 1 FROM \"t\"")));
        let reasons: Vec<_> = unmade
            .omissions
            .iter()
            .map(|one| one.reason.as_str())
            .collect();
        let because = "it uses view dbo.A, which is left out: refused";
        assert_eq!(reasons, ["refused", because, because]);
    }
}
