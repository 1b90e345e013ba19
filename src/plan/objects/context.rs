//! What every decision about an object looks at, and where it leaves its remarks.
//!
//! Decisions never print or fail a table for an object: what is not made becomes a remark. Whether
//! an untranslated object is an omission (exit code 6) or a note is decided here alone, by
//! `schema.untranslated`.

use crate::config::job::{Job, Untranslated};
use crate::plan::objects::scope::Names;
use crate::plan::table::Omission;
use tsql::schema::Database;
use tsql::typemap::TargetTypes;

/// What every decision looks at.
#[derive(Clone, Copy)]
pub(in crate::plan) struct Context<'a> {
    pub(in crate::plan) database: &'a Database,
    pub(in crate::plan) job: &'a Job,
    /// Sequences; tables and views too, once they are planned.
    pub(in crate::plan) names: &'a Names,
    pub(in crate::plan) target: TargetTypes,
}

/// What decisions about views and functions look at beside the names, which they add to.
#[derive(Clone, Copy)]
pub(in crate::plan) struct Sources<'a> {
    pub(in crate::plan) database: &'a Database,
    pub(in crate::plan) job: &'a Job,
    pub(in crate::plan) target: TargetTypes,
}

impl<'a> Sources<'a> {
    /// The same with the names that are known so far.
    pub(super) fn with<'b>(&self, names: &'b Names) -> Context<'b>
    where
        'a: 'b,
    {
        Context {
            database: self.database,
            job: self.job,
            names,
            target: self.target,
        }
    }

    /// That of text which comes from no column.
    pub(super) fn default_collation(&self) -> Option<&'a str> {
        Some(self.database.collation.as_str()).filter(|name| !name.is_empty())
    }
}

/// What a reader of the plan must know of a table.
#[derive(Debug, Default)]
pub(in crate::plan) struct Remarks {
    /// Objects that are left out; they lead to exit code 6.
    pub(in crate::plan) omissions: Vec<Omission>,
    /// Sentences that change nothing about the outcome.
    pub(in crate::plan) notes: Vec<String>,
}

impl Remarks {
    /// Lists an object as left out.
    pub(in crate::plan) fn omit(&mut self, object: String, reason: impl Into<String>) {
        self.omit_with_text(object, reason, None);
    }

    /// As [`Self::omit`], with the object's T-SQL.
    pub(super) fn omit_with_text(
        &mut self,
        object: String,
        reason: impl Into<String>,
        text: Option<String>,
    ) {
        self.omissions.push(Omission {
            object,
            reason: reason.into(),
            text,
        });
    }

    /// An expression that has no certain translation, with its text.
    /// `reason` is the translator's, `text` the T-SQL that it could not translate.
    pub(super) fn untranslated(&mut self, job: &Job, object: String, reason: &str, text: &str) {
        match job.schema.untranslated {
            Untranslated::Report => self.omissions.push(Omission {
                object,
                reason: format!("not translated: {reason}"),
                text: Some(text.to_owned()),
            }),
            Untranslated::Ignore => self.notes.push(format!(
                "{object} is left out, not translated: {reason}; its T-SQL: {text}"
            )),
        }
    }

    /// One that another's fault keeps from being made, with its text.
    pub(super) fn dependent(&mut self, job: &Job, object: String, reason: &str, text: &str) {
        match job.schema.untranslated {
            Untranslated::Report => {
                self.omit_with_text(object, reason, Some(text.to_owned()));
            }
            Untranslated::Ignore => self
                .notes
                .push(format!("{object} is left out: {reason}; its T-SQL: {text}")),
        }
    }

    /// Notes on one object.
    pub(super) fn note_all(&mut self, object: &str, notes: &[String]) {
        let notes = notes.iter().map(|note| format!("{object}: {note}"));
        self.notes.extend(notes);
    }
}
