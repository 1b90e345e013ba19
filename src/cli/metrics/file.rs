//! The metrics as a file for node_exporter's textfile collector.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::metrics::exposition::Exposition;
use crate::error::{Error, Kind, Result};

/// As often as Prometheus scrapes by many of its installations' configurations.
const EVERY: Duration = Duration::from_secs(15);

/// A file that always holds one whole set of metrics.
pub(super) struct MetricsFile {
    path: PathBuf,
    /// Beside it; the collector reads names that end with `.prom` only.
    unfinished: PathBuf,
    exposition: Arc<Exposition>,
}

impl MetricsFile {
    pub(super) fn new(path: PathBuf, exposition: Arc<Exposition>) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        Self {
            unfinished: path.with_file_name(name),
            path,
            exposition,
        }
    }

    /// Replaces the file in one step, so that no reader sees a part of it.
    pub(super) fn write(&self) -> Result<()> {
        let text = self.exposition.plain()?;
        let written = fs::write(&self.unfinished, text)
            .and_then(|()| fs::rename(&self.unfinished, &self.path));
        written.map_err(|cause| {
            // What could not be renamed is of no use to anyone; the error that counts is the first.
            let _ = fs::remove_file(&self.unfinished);
            let text = format!("cannot write the metrics to {}", self.path.display());
            Error::new(Kind::Io, text).because(cause)
        })
    }
}

/// Writes the file again and again. A disk that is full for a while takes nothing from the run.
pub(super) async fn keep_writing(file: Arc<MetricsFile>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = file.write() {
            tracing::warn!(%error, "the metrics are not up to date");
        }
    }
}
