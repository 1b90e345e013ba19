//! What happens to characters that PostgreSQL cannot hold.

use crate::config::job::{ValuePolicy, Values};
use crate::error::{Error, Kind, Result};
use crate::transcode::fault::Fault;
use crate::transcode::out::Out;

/// U+FFFD in UTF-8.
const REPLACEMENT: [u8; 3] = [0xEF, 0xBF, 0xBD];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Fail,
    Strip,
    Replace,
}

/// The job's `values:` for text, and how many characters they changed so far.
#[derive(Debug, Clone)]
pub(super) struct TextPolicy {
    nul: Action,
    malformed: Action,
    pub(super) changed: u64,
}

impl TextPolicy {
    pub(super) fn new(values: Values) -> Result<Self> {
        if matches!(
            values.out_of_range,
            ValuePolicy::Strip | ValuePolicy::Replace
        ) {
            return Err(Error::new(
                Kind::JobFile,
                "values.out_of_range takes `error` or `reject`: strip and replace are for text",
            ));
        }
        if values.out_of_range == ValuePolicy::Reject {
            return Err(unavailable("out_of_range"));
        }
        Ok(Self {
            nul: action(values.nul_characters, "nul_characters")?,
            malformed: action(values.unpaired_surrogates, "unpaired_surrogates")?,
            changed: 0,
        })
    }

    /// U+0000 was met.
    #[cold]
    pub(super) fn nul(&mut self, out: &mut Out) -> std::result::Result<(), Fault> {
        self.apply(self.nul, Fault::Nul, out)
    }

    /// An unpaired surrogate, or bytes that the code page does not define, were met.
    #[cold]
    pub(super) fn malformed(&mut self, out: &mut Out) -> std::result::Result<(), Fault> {
        self.apply(self.malformed, Fault::Malformed, out)
    }

    fn apply(
        &mut self,
        action: Action,
        fault: Fault,
        out: &mut Out,
    ) -> std::result::Result<(), Fault> {
        match action {
            Action::Fail => return Err(fault),
            Action::Strip => {}
            Action::Replace => out.put(REPLACEMENT),
        }
        self.changed += 1;
        Ok(())
    }

    /// One policy for everything.
    #[cfg(test)]
    pub(super) fn uniform(policy: ValuePolicy) -> Self {
        let action = action(policy, "test").unwrap();
        Self {
            nul: action,
            malformed: action,
            changed: 0,
        }
    }
}

fn action(policy: ValuePolicy, setting: &str) -> Result<Action> {
    match policy {
        ValuePolicy::Error => Ok(Action::Fail),
        ValuePolicy::Strip => Ok(Action::Strip),
        ValuePolicy::Replace => Ok(Action::Replace),
        ValuePolicy::Reject => Err(unavailable(setting)),
    }
}

fn unavailable(setting: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("values.{setting}: `reject` is not available yet"),
    )
}
