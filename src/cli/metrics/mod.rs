//! Metrics of a run while it goes: served over HTTP, and written to a file.

mod exposition;
mod families;
mod file;
mod listener;
pub(crate) mod options;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::cli::metrics::exposition::Exposition;
use crate::cli::metrics::file::MetricsFile;
use crate::cli::metrics::options::MetricsOptions;
use crate::error::Result;
use crate::report::progress::Progress;

/// What serves and writes the metrics of one run.
pub(crate) struct Exporter {
    /// Aborted with the exporter.
    tasks: JoinSet<()>,
    file: Option<Arc<MetricsFile>>,
}

impl Exporter {
    /// Listens and writes the file for the first time, if the options ask for it.
    ///
    /// # Errors
    /// `Io`: the address cannot be listened on, or the file cannot be written.
    pub(crate) async fn start(
        options: &MetricsOptions,
        job: &str,
        progress: &Arc<Progress>,
    ) -> Result<Self> {
        let mut tasks = JoinSet::new();
        let exposition = Exposition::new(job, Arc::clone(progress), options.per_table);
        let exposition = Arc::new(exposition);
        if let Some(address) = options.listen {
            let listener = listener::bind(address).await?;
            tasks.spawn(listener::serve(listener, Arc::clone(&exposition)));
        }
        let file = options
            .file
            .as_ref()
            .map(|path| Arc::new(MetricsFile::new(path.clone(), exposition)));
        if let Some(file) = &file {
            file.write()?;
            tasks.spawn(file::keep_writing(Arc::clone(file)));
        }
        Ok(Self { tasks, file })
    }

    /// Writes the file for the last time and stops listening.
    ///
    /// # Errors
    /// `Io`: the file cannot be written.
    pub(crate) async fn finish(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        self.file.map_or(Ok(()), |file| file.write())
    }
}
