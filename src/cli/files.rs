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
        let there = path.exists();
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|cause| failed(path, cause))?;
        // An empty report of a run that then fails would be worse than none.
        if !there {
            fs::remove_file(path).map_err(|cause| failed(path, cause))?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run::tests::facts;

    #[test]
    fn reports_are_tried_before_and_written_after() {
        let folder = std::env::temp_dir().join(format!("migrate-files-{}", std::process::id()));
        let files = ReportFiles {
            json: Some(folder.join("new/report.json")),
            html: Some(folder.join("report.html")),
        };
        prepare(&files).unwrap();
        assert!(!folder.join("new/report.json").exists());
        write(&files, &Report::draw_up(facts())).unwrap();
        let json = fs::read_to_string(folder.join("new/report.json")).unwrap();
        let html = fs::read_to_string(folder.join("report.html")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["outcome"], "done");
        assert_eq!(json["totals"]["rows"], 1000);
        assert_eq!(json["tables"][0]["table"], "dbo.A");
        assert_eq!(json["started"], "1970-01-01T00:00:00Z");
        assert!(html.contains("dbo.A"));
    }
}
