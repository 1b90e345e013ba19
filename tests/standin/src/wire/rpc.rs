//! RPC requests: which procedure, with which parameters (MS-TDS 2.2.6.6).

use std::io;

use crate::session::Parameter;
use crate::types::{SqlType, Value};
use crate::wire::cursor::Cursor;
use crate::wire::decode;
use crate::wire::request::skip_all_headers;

/// The system procedures that clients prepare and run statements with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Procedure {
    ExecuteSql,
    Prepare,
    Execute,
    PrepExec,
    Unprepare,
    /// Any other, named.
    Other(String),
}

/// The names of the ProcIDs 1 to 15 (MS-TDS 2.2.6.6).
const NAMES: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

impl Procedure {
    fn by_id(id: u16) -> Self {
        let index = usize::from(id).wrapping_sub(1);
        NAMES
            .get(index)
            .map_or_else(|| Self::Other(format!("#{id}")), |name| Self::by_name(name))
    }

    fn by_name(name: &str) -> Self {
        let last = name.rsplit('.').next().unwrap_or(name);
        let last = last.trim_matches(['[', ']', '"']).to_ascii_lowercase();
        match last.as_str() {
            "sp_executesql" => Self::ExecuteSql,
            "sp_prepare" => Self::Prepare,
            "sp_execute" => Self::Execute,
            "sp_prepexec" => Self::PrepExec,
            "sp_unprepare" => Self::Unprepare,
            _ => Self::Other(name.to_owned()),
        }
    }
}

/// One argument as sent.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    /// An output parameter.
    pub(crate) output: bool,
    pub(crate) ty: SqlType,
    pub(crate) value: Value,
}

impl Argument {
    pub(crate) fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(units) => Some(String::from_utf16_lossy(units)),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<i32> {
        match self.value {
            Value::Int(int) => i32::try_from(int).ok(),
            _ => None,
        }
    }
}

/// One call of a request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) procedure: Procedure,
    pub(crate) arguments: Vec<Argument>,
}

/// The calls of an RPC request, in order.
pub(crate) fn parse(payload: &[u8]) -> io::Result<Vec<Call>> {
    let mut cursor = Cursor::new(payload);
    skip_all_headers(&mut cursor)?;
    let mut calls = Vec::new();
    while !cursor.is_empty() {
        calls.push(call(&mut cursor)?);
    }
    Ok(calls)
}

fn call(cursor: &mut Cursor<'_>) -> io::Result<Call> {
    let procedure = match cursor.u16()? {
        0xFFFF => Procedure::by_id(cursor.u16()?),
        units => Procedure::by_name(&cursor.us_varchar(units)?),
    };
    // Option flags: recompile, no metadata, reuse metadata; none is required to be obeyed.
    cursor.u16()?;
    let mut arguments = Vec::new();
    while let Some(next) = cursor.rest().first() {
        // BatchFlag or NoExecFlag. A parameter name cannot be that long.
        if matches!(next, 0xFF | 0xFE | 0x80) {
            cursor.u8()?;
            break;
        }
        let name = cursor.b_varchar()?;
        let status = cursor.u8()?;
        let (ty, value) = decode::parameter(cursor)?;
        arguments.push(Argument {
            name,
            output: status & 1 != 0,
            ty,
            value,
        });
    }
    Ok(Call {
        procedure,
        arguments,
    })
}

/// The names in `@a int, @b decimal(10,2)`, in order.
pub(crate) fn declared_names(declaration: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_u32;
    let mut start = 0;
    let mut push = |part: &str| {
        if let Some(name) = part.split_whitespace().next() {
            names.push(name.to_owned());
        }
    };
    for (at, character) in declaration.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                push(&declaration[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    push(&declaration[start..]);
    names
}

/// Arguments under their own names, or by position under the declared ones.
pub(crate) fn parameters(arguments: Vec<Argument>, declared: &[String]) -> Vec<Parameter> {
    let mut declared = declared.iter();
    arguments
        .into_iter()
        .map(|argument| {
            let by_position = declared.next();
            let name = if argument.name.is_empty() {
                by_position.cloned().unwrap_or_default()
            } else {
                argument.name
            };
            Parameter {
                name,
                ty: argument.ty,
                value: argument.value,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_of_the_specification() {
        // MS-TDS 4.8: foo3 with one smallint parameter that is NULL, by default.
        let payload = [
            0x16, 0, 0, 0, 0x12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0x66, 0,
            0x6F, 0, 0x6F, 0, 0x33, 0, 0, 0, 0, 2, 0x26, 2, 0,
        ];
        let calls = parse(&payload).unwrap();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].procedure, Procedure::Other("foo3".to_owned()));
        assert_eq!(calls[0].arguments.len(), 1);
        assert!(!calls[0].arguments[0].output);
        assert_eq!(calls[0].arguments[0].ty, SqlType::SmallInt);
    }

    #[test]
    fn procedures_by_id_and_name() {
        assert_eq!(Procedure::by_id(10), Procedure::ExecuteSql);
        assert_eq!(Procedure::by_id(13), Procedure::PrepExec);
        assert_eq!(
            Procedure::by_name("sys.SP_EXECUTESQL"),
            Procedure::ExecuteSql
        );
        assert_eq!(
            Procedure::by_id(2),
            Procedure::Other("sp_cursoropen".to_owned())
        );
    }

    #[test]
    fn names_of_a_declaration() {
        assert_eq!(
            declared_names("@a int,@b decimal(10,2), @c nvarchar(max)"),
            ["@a", "@b", "@c"]
        );
        assert!(declared_names(" ").is_empty());
    }
}
