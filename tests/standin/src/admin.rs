//! The admin port: lines in, one line out for each, so that tests in other processes can steer.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::fault::FaultSpec;
use crate::wire::shared::Shared;
use crate::work::Work;

/// Answers lines until the client closes.
pub(crate) fn serve(socket: TcpStream, shared: &Shared) {
    let Ok(mut out) = socket.try_clone() else {
        return;
    };
    for line in BufReader::new(socket).lines() {
        let Ok(line) = line else { return };
        let mut answer = answer(line.trim(), shared);
        answer.push('\n');
        if out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// `stats`, `work`, `work-by-text`, `reset-work`, `fault SPEC`, `clear`, `reset-peak`, `log on|off`, `log`,
/// `drop-connections`.
fn answer(line: &str, shared: &Shared) -> String {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (command, rest) {
        ("stats", "") => return shared.counters.snapshot().to_json(),
        ("work", "") => return shared.login.work().0.to_json(),
        ("work-by-text", "") => return by_text(&shared.login.work().1),
        ("reset-work", "") => shared.login.reset_work(),
        ("fault", spec) => match spec.parse::<FaultSpec>() {
            Ok(spec) => shared.faults.add(spec),
            Err(reason) => return format!("error: {reason}"),
        },
        ("clear", "") => shared.faults.clear(),
        ("reset-peak", "") => shared.counters.reset_peak(),
        ("log", "on") => shared.counters.log_statements(true),
        ("log", "off") => shared.counters.log_statements(false),
        ("log", "") => return json_array(&shared.counters.statements()),
        ("drop-connections", "") => shared.drop_connections(),
        _ => return format!("error: unknown command {line:?}"),
    }
    "ok".to_owned()
}

fn json_array(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| json_string(text)).collect();
    format!("[{}]", quoted.join(","))
}

/// Each statement's text with its work.
fn by_text(all: &[(String, Work)]) -> String {
    let lines: Vec<String> = all
        .iter()
        .map(|(text, work)| format!("[{},{}]", json_string(text), work.to_json()))
        .collect();
    format!("[{}]", lines.join(","))
}

fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::json_array;

    #[test]
    fn statements_are_one_line_of_json() {
        let texts = ["SELECT \"a\\b\"\n".to_owned(), "é".to_owned()];
        assert_eq!(json_array(&texts), r#"["SELECT \"a\\b\"\u000a","é"]"#);
    }
}
