//! The report files that a job asks for.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::cli::html;
use crate::config::job::ReportFiles;
use crate::error::{Error, Kind, Result};
use crate::report::run::Report;

/// Before a run of hours: that its report can be written at the end.
pub(crate) fn prepare(files: &ReportFiles) -> Result<()> {
    for path in [&files.json, &files.html].into_iter().flatten() {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
        }
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|cause| failed(path, cause))?;
    }
    Ok(())
}

pub(crate) fn write(files: &ReportFiles, report: &Report) -> Result<()> {
    if let Some(path) = &files.json {
        let json = serde_json::to_string_pretty(report).map_err(|cause| {
            Error::new(Kind::Internal, "the report does not serialise").because(cause)
        })?;
        fs::write(path, json + "\n").map_err(|cause| failed(path, cause))?;
    }
    if let Some(path) = &files.html {
        fs::write(path, html::page(report)).map_err(|cause| failed(path, cause))?;
    }
    Ok(())
}

fn failed(path: &Path, cause: std::io::Error) -> Error {
    let message = format!("cannot write the report to {}", path.display());
    Error::new(Kind::Io, message).because(cause)
}
