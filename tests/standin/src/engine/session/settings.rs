//! What SET changes.

use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::SNAPSHOT;
use crate::engine::value::temporal::DateOrder;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) no_count: bool,
    pub(crate) abort: bool,
    pub(crate) implicit: bool,
    pub(crate) isolation: u8,
    pub(crate) date_order: DateOrder,
    /// Milliseconds, -1 for no limit.
    pub(crate) lock_timeout: i32,
    /// SET ROWCOUNT, 0 for all.
    pub(crate) row_limit: u64,
    /// Database and object of SET IDENTITY_INSERT.
    pub(crate) identity_insert: Option<(String, i32)>,
    pub(crate) no_exec: bool,
    /// Kept with the modules that are made under them, and without effect otherwise.
    pub(crate) ansi_nulls: bool,
    pub(crate) quoted_identifier: bool,
    /// SET SHOWPLAN_ALL.
    pub(crate) show_plan: bool,
    /// SET QUERY_GOVERNOR_COST_LIMIT; the server's own where it is not set.
    pub(crate) cost_limit: Option<u64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            no_count: false,
            abort: false,
            implicit: false,
            isolation: 2,
            date_order: DateOrder::Mdy,
            lock_timeout: -1,
            row_limit: 0,
            identity_insert: None,
            no_exec: false,
            ansi_nulls: true,
            quoted_identifier: true,
            show_plan: false,
            cost_limit: None,
        }
    }
}

impl Settings {
    /// A SET option by its words.
    pub(crate) fn set_option(&mut self, words: &[String], on: bool) -> Result<()> {
        let upper: Vec<String> = words.iter().map(|w| w.to_ascii_uppercase()).collect();
        let number = || upper.last().and_then(|w| w.parse::<i64>().ok());
        match upper.first().map(String::as_str) {
            Some("TRANSACTION") => return self.set_isolation(&upper[1..].join(" ")),
            Some("DATEFORMAT") => {
                self.date_order = match upper.get(1).map(String::as_str) {
                    Some("MDY") => DateOrder::Mdy,
                    Some("DMY") => DateOrder::Dmy,
                    Some("YMD") => DateOrder::Ymd,
                    _ => return Err(error(2741, 16, "SET DATEFORMAT date order is invalid.")),
                };
            }
            Some("LOCK_TIMEOUT") => {
                self.lock_timeout = number().and_then(|n| i32::try_from(n).ok()).unwrap_or(-1)
            }
            Some("ROWCOUNT") => {
                self.row_limit = number().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
            }
            Some("QUERY_GOVERNOR_COST_LIMIT") => {
                // Negative values are rounded up to 0.
                let limit = number().map_or(0, |n| u64::try_from(n).unwrap_or(0));
                self.cost_limit = Some(limit);
            }
            Some("SHOWPLAN_ALL") => self.show_plan = on,
            Some("SHOWPLAN_TEXT" | "SHOWPLAN_XML") if on => {
                return Err(unsupported(format!("SET {}", upper[0])));
            }
            Some("PARSEONLY") if on => return Err(unsupported("SET PARSEONLY ON")),
            _ => {
                for word in &upper {
                    match word.as_str() {
                        "NOCOUNT" => self.no_count = on,
                        "XACT_ABORT" => self.abort = on,
                        "IMPLICIT_TRANSACTIONS" => self.implicit = on,
                        "NOEXEC" | "FMTONLY" => self.no_exec = on,
                        "ANSI_NULLS" => self.ansi_nulls = on,
                        "QUOTED_IDENTIFIER" => self.quoted_identifier = on,
                        "ANSI_DEFAULTS" => {
                            (self.ansi_nulls, self.quoted_identifier) = (on, on);
                        }
                        // The rest changes nothing that this engine does.
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn set_isolation(&mut self, words: &str) -> Result<()> {
        self.isolation = match words {
            "ISOLATION LEVEL READ UNCOMMITTED" => 1,
            "ISOLATION LEVEL READ COMMITTED" => 2,
            "ISOLATION LEVEL REPEATABLE READ" => 3,
            "ISOLATION LEVEL SERIALIZABLE" => 4,
            "ISOLATION LEVEL SNAPSHOT" => SNAPSHOT,
            _ => return Err(crate::engine::error::syntax(words)),
        };
        Ok(())
    }
}
