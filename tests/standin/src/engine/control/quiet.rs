//! Statements without a result or a count.

use crate::engine::control::assign::assign;
use crate::engine::control::told::told_only;
use crate::engine::error::Result;
use crate::engine::model::facts::Variable;
use crate::engine::model::name::fold;
use crate::engine::parse::statement::Statement;
use crate::engine::session::outcome::changing;
use crate::engine::session::sql_session::SqlSession;
use crate::engine::{ddl, dml, procedure};
use crate::session::Sink;
use crate::types::Value;

/// Statements without a result or a count.
pub(super) fn quiet(
    session: &mut SqlSession,
    statement: &Statement,
    line: u32,
    sink: &mut dyn Sink,
) -> Result<()> {
    match statement {
        Statement::Declare(declarations) => {
            for d in declarations {
                let facts = session.facts();
                let (ty, ..) = facts.resolve_type(&d.ty, false)?;
                session.variables.insert(
                    fold(&d.name),
                    Variable {
                        ty,
                        value: Value::Null,
                    },
                );
                if let Some(value) = &d.value {
                    assign(session, &d.name, value)?;
                }
            }
            Ok(())
        }
        Statement::SetVariable { name, value } => assign(session, name, value),
        Statement::SetOption { words, on } => session.settings.set_option(words, *on),
        Statement::SetIdentityInsert { table, on } => {
            procedure::identity_insert(session, table, *on)
        }
        Statement::Begin => {
            session.begin();
            Ok(())
        }
        Statement::Commit => session.commit(),
        Statement::Rollback(name) => session.rollback(name.as_deref()),
        Statement::Save(name) => session.save(name),
        Statement::Skipped { kind, name } => {
            told_only(
                sink,
                format!("The stand-in server skips {kind} '{name}'."),
                line,
            );
            Ok(())
        }
        Statement::NoEffect => Ok(()),
        other => define(session, other, line, sink),
    }
}

/// CREATE, ALTER and DROP.
fn define(
    session: &mut SqlSession,
    statement: &Statement,
    line: u32,
    sink: &mut dyn Sink,
) -> Result<()> {
    match statement {
        Statement::CreateTable(create) => changing(session, sink, |f, s, _| {
            ddl::create_table(f, s, create).map(|_| ())
        }),
        Statement::CreateIndex(create) => {
            if session.facts().view(&create.table).is_some() {
                let what = format!("INDEX '{}' of the view '{}'", create.name, create.table);
                told_only(sink, format!("The stand-in server skips {what}."), line);
                return Ok(());
            }
            changing(session, sink, |f, s, _| ddl::create_index(f, s, create))
        }
        Statement::CreateFullText(create) => {
            changing(session, sink, |f, s, _| ddl::create_full_text(f, s, create))
        }
        Statement::CreateModule(create) => {
            let told = changing(session, sink, |f, s, _| ddl::create_module(f, s, create))?;
            if let Some(text) = told {
                told_only(sink, text, line);
            }
            Ok(())
        }
        Statement::CreatePartitionFunction(spec) => changing(session, sink, |f, s, _| {
            ddl::create_partition_function(f, s, spec)
        }),
        Statement::SplitPartition { function, boundary } => changing(session, sink, |f, s, _| {
            ddl::split_partition(f, s, function, boundary)
        }),
        Statement::CreatePartitionScheme(name, function) => changing(session, sink, |f, s, _| {
            ddl::create_partition_scheme(f, s, name, function)
        }),
        Statement::CreateSequence(spec) => {
            changing(session, sink, |f, s, _| ddl::create_sequence(f, s, spec))
        }
        Statement::AlterSequence(spec) => {
            changing(session, sink, |f, s, _| ddl::alter_sequence(f, s, spec))
        }
        Statement::CreateSynonym { name, target } => changing(session, sink, |f, s, _| {
            ddl::create_synonym(f, s, name, target)
        }),
        other => redefine(session, other, sink),
    }
}

/// ALTER, DROP, permissions, and statements about whole databases.
fn redefine(session: &mut SqlSession, statement: &Statement, sink: &mut dyn Sink) -> Result<()> {
    match statement {
        Statement::Reseed { table, value } => {
            changing(session, sink, |f, s, _| ddl::reseed(f, s, table, *value))
        }
        Statement::EnableDatabaseTriggers { names, on } => changing(session, sink, |f, s, _| {
            ddl::enable_triggers(s.database_mut(&f.database)?, 0, names, *on)
        }),
        Statement::DropObjects {
            kind,
            names,
            if_exists,
        } => changing(session, sink, |f, s, _| {
            names
                .iter()
                .try_for_each(|n| ddl::drop_object(f, s, kind, n, *if_exists))
        }),
        Statement::KeepRows { table, rows } => {
            changing(session, sink, |f, s, _| ddl::keep_rows(f, s, table, *rows))
        }
        Statement::AlterIndex {
            index,
            table,
            rebuild,
        } => changing(session, sink, |f, s, _| {
            ddl::alter_index(f, s, index.as_deref(), table, *rebuild)
        }),
        Statement::AlterTable { table, change } => changing(session, sink, |f, s, _| {
            ddl::alter_table(f, s, table, change)
        }),
        Statement::DropTable { names, if_exists } => changing(session, sink, |f, s, _| {
            names
                .iter()
                .try_for_each(|n| ddl::drop_table(f, s, n, *if_exists))
        }),
        Statement::DropIndex {
            index,
            table,
            if_exists,
        } => changing(session, sink, |f, s, _| {
            ddl::drop_index(f, s, index, table, *if_exists)
        }),
        Statement::Truncate(table) => changing(session, sink, |f, s, _| dml::truncate(f, s, table)),
        Statement::CreateLogin { .. }
        | Statement::CreateUser { .. }
        | Statement::CreateRole(_)
        | Statement::AlterRole { .. }
        | Statement::Permission(_)
        | Statement::Policy(_)
        | Statement::CreateTableType(_) => {
            changing(session, sink, |f, s, _| ddl::secure(f, s, statement))
        }
        other => changing(session, sink, |f, s, _| {
            procedure::server_statement(f, s, other)
        }),
    }
}
