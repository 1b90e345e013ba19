//! A column's PostgreSQL type: what the job asks for, else what the type map says.
//!
//! Three levels, the nearest wins: the column's override, `types:` of the job, the type map.
//! Whatever was asked for must be able to hold every value of the source type.

use crate::config::job::{Job, TableOverride};
use crate::error::{Error, Kind, Result};
use tsql::schema::Column;
use tsql::typemap::{self, PgType, TargetTypes};

/// Keys of the job's `types:` that name no type.
pub(super) fn unknown(job: &Job) -> Vec<Error> {
    typemap::unknown_sources(&job.types)
        .into_iter()
        .map(|name| {
            Error::new(
                Kind::JobFile,
                format!("types.{name}: SQL Server has no type of this name (written without a length, `(max)` excepted)"),
            )
        })
        .collect()
}

/// What a job writes for a domain in place of an alias type's base.
const DOMAIN: &str = "domain";

/// Whether the column's override, else the job's `types:`, asks for a domain.
pub(super) fn wants_domain(column: &Column, override_: Option<&TableOverride>, job: &Job) -> bool {
    let own = override_.and_then(|override_| override_.types.get(&column.name));
    let own = own.map(String::as_str);
    own.or_else(|| typemap::asked_for(&job.types, &column.ty).map(|(_, text)| text))
        .is_some_and(is_domain)
}

/// Compared without case, like type names.
fn is_domain(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(DOMAIN)
}

/// What the column's override asks for, else the job's `types:`, else the type map. A domain is
/// its base here.
///
/// # Errors
/// `JobFile` for a type that does not parse; `Unsupported` for one that cannot hold every value,
/// for a domain without an alias type, and for one whose extension the target lacks.
pub(super) fn target_type(
    column: &Column,
    override_: &TableOverride,
    job: &Job,
    target: TargetTypes,
) -> Result<PgType> {
    let own = override_.types.get(&column.name);
    let asked = match own {
        Some(text) => Some((
            format!("tables.overrides.<table>.types.{}", column.name),
            text.as_str(),
        )),
        None => typemap::asked_for(&job.types, &column.ty)
            .map(|(key, text)| (format!("types.{key}"), text)),
    };
    let Some((setting, text)) = asked else {
        return Ok(typemap::default_type(column, target)?);
    };
    if is_domain(text) {
        // For the job as a whole it means the columns that have an alias type.
        if own.is_some() && column.extras.alias.is_none() {
            return Err(Error::new(
                Kind::Unsupported,
                format!(
                    "{setting}: `domain` is for columns of an alias type, and this one is {}",
                    column.ty
                ),
            )
            .advise("give it a type that can be carried, or no type of its own."));
        }
        return Ok(typemap::default_type(column, target)?);
    }
    let wanted = typemap::parse_override(text)
        .map_err(|error| Error::new(Kind::JobFile, format!("{setting}: {}", error.message())))?;
    if !typemap::can_encode(&column.ty, &wanted) {
        return Err(Error::new(
            Kind::Unsupported,
            format!(
                "{setting}: {} cannot be copied into {wanted}, not every value of it (docs/types.md has the pairs)",
                column.ty
            ),
        ));
    }
    require_extension(&wanted, target, &setting)?;
    Ok(wanted)
}

/// A type that the target does not have would fail when the table is made.
fn require_extension(wanted: &PgType, target: TargetTypes, setting: &str) -> Result<()> {
    let missing = match wanted {
        PgType::Geography | PgType::Geometry if !target.postgis => "PostGIS",
        PgType::Vector(_) if !target.pgvector => "pgvector",
        _ => return Ok(()),
    };
    Err(Error::new(
        Kind::Unsupported,
        format!(
            "{setting}: the target has no type {wanted} on its search path: create the extension of {missing} there"
        ),
    )
    .advise("create the extension on the target in a schema of the search path, or give the column another type (docs/types.md)."))
}
