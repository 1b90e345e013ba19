//! The report files that a job asks for.
//!
//! They are tried before the run and written after it; if one cannot be written then, the command
//! fails.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::cli::exit::of_kind;
use crate::cli::{failure, html};
use crate::config::job::ReportFiles;
use crate::error::{Error, Kind, Result};
use crate::report::file::ReportFile;

/// Before a run of hours: that its report can be written at the end.
///
/// # Errors
/// `Io` with the path.
pub(crate) fn prepare(files: &ReportFiles) -> Result<()> {
    let mut paths = [&files.json, &files.html].into_iter().flatten();
    paths.try_for_each(|path| prepare_file(path))
}

/// As [`prepare`], for one file.
///
/// # Errors
/// `Io` with the path.
pub(crate) fn prepare_file(path: &Path) -> Result<()> {
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
    Ok(())
}

/// Writes a page.
///
/// # Errors
/// `Io` with the path.
pub(crate) fn write_page(path: &Path, page: &str) -> Result<()> {
    fs::write(path, page).map_err(|cause| failed(path, cause))
}

/// Whether [`prepare`] would succeed, leaving everything as it was.
pub(crate) fn probe(files: &ReportFiles) -> Vec<Error> {
    let paths = [&files.json, &files.html].into_iter().flatten();
    paths
        .filter_map(|path| may_write(path).map_err(|cause| failed(path, cause)).err())
        .collect()
}

/// A file that is there is opened; for another, one of a name of our own is made and removed in
/// the nearest folder that is there.
fn may_write(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return OpenOptions::new().append(true).open(path).map(drop);
    }
    let mut folders = path.ancestors().skip(1);
    let folder = folders.find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let folder = match folder {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let trial = folder.join(format!(".migrate-check-{}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&trial)?;
    fs::remove_file(&trial)
}

/// In place of the report of a run that has none: why. A file of an earlier run would be taken
/// for this one's. Only what is there is replaced, so that a job that never ran makes no file.
pub(crate) fn write_failure(files: &ReportFiles, error: &Error) -> Result<()> {
    let result = serde_json::json!({
        "outcome": of_kind(error.kind()).word(),
        "errors": failure::errors(error),
    });
    if let Some(path) = files.json.as_ref().filter(|path| path.exists()) {
        fs::write(path, format!("{result:#}\n")).map_err(|cause| failed(path, cause))?;
    }
    if let Some(path) = files.html.as_ref().filter(|path| path.exists()) {
        let page = html::failure(&failure::text(error));
        fs::write(path, page).map_err(|cause| failed(path, cause))?;
    }
    Ok(())
}

/// Writes the report to the files that the job names.
///
/// # Errors
/// `Io`; of two files the first may be written.
pub(crate) fn write(files: &ReportFiles, report: &ReportFile<'_>) -> Result<()> {
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
    use crate::report::run::Report;
    use crate::report::run::tests::facts;
    use crate::report::timeline::Timeline;

    #[test]
    fn a_check_leaves_nothing_behind_and_says_what_cannot_be_written() {
        let folder = std::env::temp_dir().join(format!("migrate-probe-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = ReportFiles {
            json: Some(folder.join("new/deep/report.json")),
            html: Some("/dev/null/report.html".into()),
        };
        let problems = probe(&files);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].kind(), Kind::Io);
        assert!(problems[0].to_string().contains("/dev/null/report.html"));
    }

    #[test]
    fn an_older_report_gives_way_to_the_reason_why_there_is_none() {
        let folder = std::env::temp_dir().join(format!("migrate-older-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (json, html) = (folder.join("report.json"), folder.join("report.html"));
        let files = ReportFiles {
            json: Some(json.clone()),
            html: Some(html.clone()),
        };
        let error = Error::new(Kind::SourceLogin, "SQL Server <refused>");
        write_failure(&files, &error).unwrap();
        assert!(!json.exists() && !html.exists());
        fs::write(&json, "old").unwrap();
        fs::write(&html, "old").unwrap();
        write_failure(&files, &error).unwrap();
        let (json, html) = (
            fs::read_to_string(json).unwrap(),
            fs::read_to_string(html).unwrap(),
        );
        fs::remove_dir_all(&folder).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["outcome"], "unreachable");
        assert_eq!(json["errors"][0]["kind"], "SourceLogin");
        assert!(
            html.contains("&lt;refused&gt;") && html.contains("advice: "),
            "{html}"
        );
    }

    #[test]
    fn reports_are_tried_before_and_written_after() {
        let folder = std::env::temp_dir().join(format!("migrate-files-{}", std::process::id()));
        let files = ReportFiles {
            json: Some(folder.join("new/report.json")),
            html: Some(folder.join("report.html")),
        };
        prepare(&files).unwrap();
        assert!(!folder.join("new/report.json").exists());
        let (report, timeline) = (Report::draw_up(facts()), Timeline::default());
        write(&files, &ReportFile::new(&report, &timeline, &[])).unwrap();
        let json = fs::read_to_string(folder.join("new/report.json")).unwrap();
        let html = fs::read_to_string(folder.join("report.html")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["outcome"], "done");
        assert_eq!(json["report_version"], 1);
        assert_eq!(json["totals"]["rows"], 1000);
        assert_eq!(json["tables"][0]["table"], "dbo.A");
        assert_eq!(json["started"], "1970-01-01T00:00:00Z");
        assert!(html.contains("dbo.A"));
    }
}
