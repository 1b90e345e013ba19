//! A fault written as text, for the command line and the admin port.

use std::str::FromStr;
use std::time::Duration;

use crate::fault::{Action, FaultSpec, Point};

/// Parses `action[:key=value,...]`.
pub(super) fn parse(text: &str) -> Result<FaultSpec, String> {
    let (action, keys) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
    let mut keys = Keys::parse(keys)?;
    let action = match action {
        "refuse-login" => Action::RefuseLogin(keys.number.take().unwrap_or(18456)),
        "close-login" => Action::CloseLogin,
        "drop" => Action::Drop,
        "cut-row" => Action::CutRow,
        "stall" => Action::Stall(keys.duration.take().ok_or("stall needs for=DURATION")?),
        "error" => Action::Error(keys.number.take().ok_or("error needs number=N")?),
        "deadlock" => Action::Error(1205),
        "garbage" => Action::Garbage,
        other => return Err(format!("unknown fault {other:?}")),
    };
    if keys.number.is_some() || keys.duration.is_some() {
        return Err(format!("{text:?}: a key that this fault does not take"));
    }
    let at = keys.at.unwrap_or(Point::Rows(0, 0));
    if matches!(at, Point::Bytes(..)) && action != Action::Drop {
        return Err("only drop can happen at a byte".to_owned());
    }
    Ok(FaultSpec {
        action,
        at,
        matching: keys.matching,
        times: keys.times,
        seed: keys.seed,
    })
}

/// The keys as written.
struct Keys {
    at: Option<Point>,
    number: Option<i32>,
    duration: Option<Duration>,
    times: Option<u64>,
    seed: u64,
    matching: Option<String>,
}

impl Keys {
    fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Self {
            at: None,
            number: None,
            duration: None,
            times: Some(1),
            seed: 1,
            matching: None,
        };
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(matching) = rest.strip_prefix("match=") {
                keys.matching = Some(matching.to_owned());
                break;
            }
            let (pair, after) = rest.split_once(',').unwrap_or((rest, ""));
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("{pair:?} is not key=value"))?;
            keys.set(key.trim(), value.trim())?;
            rest = after;
        }
        Ok(keys)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "rows" => self.at = Some(range(value).map(|(low, high)| Point::Rows(low, high))?),
            "bytes" => self.at = Some(range(value).map(|(low, high)| Point::Bytes(low, high))?),
            "number" => {
                self.number = Some(
                    value
                        .parse()
                        .map_err(|_| format!("{value:?} is no error number"))?,
                )
            }
            "for" => self.duration = Some(duration(value)?),
            "times" if value == "forever" => self.times = None,
            "times" => self.times = Some(number(value)?),
            "seed" => self.seed = number(value)?,
            other => return Err(format!("unknown key {other:?}")),
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// `N` or `A..B`, both ends included.
fn range(text: &str) -> Result<(u64, u64), String> {
    let Some((low, high)) = text.split_once("..") else {
        let only = number(text)?;
        return Ok((only, only));
    };
    let (low, high) = (number(low)?, number(high)?);
    if low > high || high - low == u64::MAX {
        return Err(format!("{text:?} is no range"));
    }
    Ok((low, high))
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Some(millis) = text.strip_suffix("ms") {
        return number(millis).map(Duration::from_millis);
    }
    let seconds = text
        .strip_suffix('s')
        .ok_or_else(|| format!("{text:?}: write 5s or 200ms"))?;
    number(seconds).map(Duration::from_secs)
}

impl FromStr for FaultSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_action_and_key() {
        let spec: FaultSpec = "drop:bytes=100..2000,seed=7,times=forever,match=FROM dbo.Posts, x=1"
            .parse()
            .unwrap();
        let expected = FaultSpec {
            action: Action::Drop,
            at: Point::Bytes(100, 2000),
            matching: Some("FROM dbo.Posts, x=1".to_owned()),
            times: None,
            seed: 7,
        };
        assert_eq!(spec, expected);
        let stall: FaultSpec = "stall:rows=10,for=200ms,times=3".parse().unwrap();
        assert_eq!(stall.action, Action::Stall(Duration::from_millis(200)));
        assert_eq!((stall.at, stall.times), (Point::Rows(10, 10), Some(3)));
        assert_eq!(
            "deadlock".parse::<FaultSpec>().unwrap().action,
            Action::Error(1205)
        );
        assert_eq!(
            "refuse-login".parse::<FaultSpec>().unwrap().action,
            Action::RefuseLogin(18456)
        );
    }

    #[test]
    fn refuses_what_it_would_not_do() {
        for text in [
            "explode",
            "stall",
            "error",
            "garbage:bytes=5",
            "drop:rows=5..1",
            "drop:for=1s",
            "drop:rows",
        ] {
            assert!(text.parse::<FaultSpec>().is_err(), "{text}");
        }
    }
}
