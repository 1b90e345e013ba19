//! Appends the OpenLineage events of a run to a file: one for its start and one for its end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::report::lineage::LineageRun;
use crate::report::run::{Report, RunOutcome};
use crate::report::timestamp::Timestamp;

/// The events of one run.
pub(crate) struct Lineage<'a> {
    file: &'a Path,
    run: LineageRun,
}

impl<'a> Lineage<'a> {
    /// Writes that the run started at this time; `None` if the job asks for no events.
    ///
    /// # Errors
    /// `Io`: the file cannot be written.
    pub(crate) fn start(job: &'a Job, at: Timestamp) -> Result<Option<Self>> {
        let Some(file) = &job.lineage.file else {
            return Ok(None);
        };
        let run = LineageRun {
            id: random_uuid()?,
            job: job.name.clone(),
        };
        append(file, &run.started(at))?;
        Ok(Some(Self { file, run }))
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// `Io`: the file cannot be written.
    pub(crate) fn end(&self, outcome: std::result::Result<&Report, &Error>) -> Result<()> {
        append(
            self.file,
            &match outcome {
                Ok(report) => self.run.ended(report),
                Err(error) => self
                    .run
                    .failed(RunOutcome::of_error(error.kind()), &error.to_string()),
            },
        )
    }
}

/// One line of one write, so that events of several runs do not mix.
fn append(file: &Path, event: &Value) -> Result<()> {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(format!("{event}\n").as_bytes()));
    written.map_err(|cause| {
        let text = format!("cannot write lineage events to {}", file.display());
        Error::new(Kind::Io, text).because(cause)
    })
}

/// Version 4 of RFC 9562, section 5.4.
fn random_uuid() -> Result<String> {
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::new(Kind::Internal, "the system gives no random numbers"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_its_variant() {
        let (one, other) = (random_uuid().unwrap(), random_uuid().unwrap());
        assert_ne!(one, other);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
