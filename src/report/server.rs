//! What a server says of itself, of the login and of the way there, for `check`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// One server as this connection sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerFacts {
    /// As the server says it, such as `Developer Edition (64-bit)`; `None` if it has no editions.
    pub edition: Option<String>,
    /// The collation of the database.
    pub collation: String,
    /// Who the server takes this tool for.
    pub login: String,
    /// How the login was proved, such as `SQL` or `NTLM`; `None` if the server does not say.
    pub sign_in: Option<String>,
    /// How bytes travel.
    pub encryption: String,
    /// The fastest of three questions that need no work, in milliseconds.
    pub round_trip_ms: f64,
    /// Seconds that its clock is ahead of this machine's; negative: behind.
    pub clock_ahead_s: i64,
    /// What a statement sees while others write.
    pub isolation: String,
    /// Bytes of the database's files without its log; `None` if the server does not say.
    pub database_bytes: Option<u64>,
    /// Free space where the database's files are; `None` if it is not known.
    pub free_bytes: Option<u64>,
    /// Why `free_bytes` is not known, if it was asked for.
    pub free_unknown: Option<String>,
}

impl ServerFacts {
    /// The clocks differ so much that logs of both sides cannot be read side by side, and tokens and
    /// tickets that are valid here may not be there.
    pub fn clock_is_off(&self) -> bool {
        self.clock_ahead_s.abs() > 30
    }
}

/// Seconds since 1970 by this machine's clock.
pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// A round trip in milliseconds, to a hundredth.
pub fn milliseconds(round_trip: Duration) -> f64 {
    (round_trip.as_secs_f64() * 100_000.0).round() / 100.0
}
