//! What a command did, as plain data that the edge prints and writes.
//!
//! Nothing here talks to a server or prints. [`run::Report`] is drawn up once from
//! [`run::Facts`], so that its totals, outcome and bottleneck can never contradict its tables.

pub mod assessment;
pub mod bottleneck;
pub mod check;
pub mod concurrency;
pub mod estimate;
pub mod file;
pub mod health;
pub mod histogram;
pub mod joined;
pub mod lineage;
pub mod live;
pub mod planned;
pub mod pool;
pub mod progress;
pub mod rate;
pub mod rejects;
pub mod run;
pub mod schema;
pub mod server;
pub mod status;
pub mod table;
pub mod time;
pub mod timeline;
pub mod timestamp;
pub mod tune;
pub mod verify;

use serde::{Deserialize, Serialize};

/// Something of the source that is not made on the target (exit code 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omission {
    /// `dbo.Posts`; of a sequence or view, its own name.
    pub table: String,
    /// Kind and name, as `index IX_Posts_OwnerUserId` or `check CK_Votes_Type`.
    pub object: String,
    /// Why it was left out, a lower-case fragment.
    pub reason: String,
    /// Its T-SQL, if the source shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One side of the transfer, as the server describes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `host:port`, or `host\INSTANCE`.
    pub address: String,
    /// As the job names it.
    pub database: String,
    /// As the server says it, `16.0.4135.4` or `17.2`.
    pub version: String,
    /// `legacy` if the job accepts the TLS of old servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod json_words_tests;
