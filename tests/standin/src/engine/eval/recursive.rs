//! Recursive common tables: row by row, the last one found first, as SQL Server's stack spool does.

use crate::engine::error::error;
use crate::engine::eval::context::Context;
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::Recursive;

/// The rows of the anchor, and then those that each row leads to.
///
/// # Errors
/// 530 beyond MAXRECURSION.
pub(crate) fn run(context: &Context<'_>, recursive: &Recursive, out: &mut Consumer<'_>) -> Flow {
    let mut open = Vec::new();
    for row in context.collect(&recursive.anchor)? {
        out(&row)?;
        open.push((0, row));
    }
    while let Some((level, row)) = open.pop() {
        let before = context.run.working.borrow_mut().insert(recursive.id, row);
        let mut found = Vec::new();
        for member in &recursive.members {
            found.extend(context.collect(member)?);
        }
        if let Some(before) = before {
            context
                .run
                .working
                .borrow_mut()
                .insert(recursive.id, before);
        }
        if !found.is_empty() && recursive.most > 0 && level >= recursive.most {
            let message = format!(
                "The statement terminated. The maximum recursion {} has been exhausted before statement completion.",
                recursive.most
            );
            return Err(error(530, 16, message).into());
        }
        for row in found {
            context.run.tick()?;
            out(&row)?;
            open.push((level + 1, row));
        }
    }
    Ok(())
}
