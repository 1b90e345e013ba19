//! Which metrics `run` is asked for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Kind, Result};

/// Where `run` shows its metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct MetricsArguments {
    /// Serve metrics at http://ADDR:PORT/metrics while the run goes; a port alone is for this machine only
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
    metrics_listen: Option<SocketAddr>,

    /// Write metrics every 15 s and at the end, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,

    /// Metrics of each table too
    #[arg(long)]
    metrics_per_table: bool,
}

/// The options `--metrics-listen`, `--metrics-file` and `--metrics-per-table`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsOptions {
    pub listen: Option<SocketAddr>,
    pub file: Option<PathBuf>,
    /// Each table has series of its own: a database of 5,000 tables makes 25,000 of them.
    pub per_table: bool,
}

impl MetricsArguments {
    /// These and those that were typed before the command.
    ///
    /// # Errors
    /// `Usage`, if there is nowhere to show what is asked for.
    pub(crate) fn meant(self, before: Self) -> Result<MetricsOptions> {
        let metrics = MetricsOptions {
            listen: self.metrics_listen.or(before.metrics_listen),
            file: self.metrics_file.or(before.metrics_file),
            per_table: self.metrics_per_table || before.metrics_per_table,
        };
        if metrics.per_table && metrics.listen.is_none() && metrics.file.is_none() {
            let text = "--metrics-per-table needs --metrics-listen or --metrics-file";
            return Err(Error::new(Kind::Usage, text));
        }
        Ok(metrics)
    }
}

/// An address to listen on: `127.0.0.1:9187`, `[::1]:9187`, or a port alone, which means this machine
/// only. Names are not resolved, so that what is reachable from outside is typed as such.
fn listen_address(text: &str) -> std::result::Result<SocketAddr, String> {
    let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let port = text
        .strip_prefix("localhost:")
        .or_else(|| text.strip_prefix(':'))
        .unwrap_or(text);
    match (port.parse::<u16>(), text.parse::<SocketAddr>()) {
        (Ok(port), _) => Ok(local(port)),
        (_, Ok(address)) => Ok(address),
        _ => Err("an address and a port are expected, as 127.0.0.1:9187 or [::1]:9187".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_for_this_machine() {
        for (text, address) in [
            ("9187", "127.0.0.1:9187"),
            (":9187", "127.0.0.1:9187"),
            ("localhost:9187", "127.0.0.1:9187"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:9187", "[::1]:9187"),
        ] {
            assert_eq!(listen_address(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "db", "db:9187", "127.0.0.1", "1:2:3", "99999"] {
            assert!(listen_address(text).is_err(), "{text}");
        }
    }
}
