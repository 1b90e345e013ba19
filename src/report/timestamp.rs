//! A moment as RFC 3339 in UTC.
//!
//! Whole seconds: for people and for ordering runs. Durations are measured with `Instant` instead,
//! because a wall clock can be set back.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use tsql::calendar::{self, civil};

/// Wall-clock time, printed as `2026-03-04T05:06:07Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(SystemTime);

impl Timestamp {
    /// The present moment.
    pub fn now() -> Self {
        Self(SystemTime::now())
    }

    /// Seconds from `earlier` to here; 0 if the clock was set back in between.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0
            .duration_since(earlier.0)
            .unwrap_or(Duration::ZERO)
            .as_secs_f64()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Self {
        Self(moment)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self
            .0
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs();
        let (year, month, day) = civil(calendar::TO_1970 + (seconds / 86_400) as i64);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from `date -u -d @N +%FT%TZ`.
    #[test]
    fn moments_print_as_date_does() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let moment = Timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(moment.to_string(), expected);
        }
    }
}
