//! A commented job file to begin with, for `migrate init`: the two servers as they were named, the keys that most
//! jobs decide, and references in place of secrets.

/// What is known of both servers. Every text is taken literally, `${` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// In any form that `source.host` takes.
    pub source_host: String,
    pub source_database: String,
    pub source_user: String,
    /// A word of `source.encrypt`.
    pub encrypt: String,
    pub trust_server_certificate: bool,
    pub target_host: String,
    pub target_port: u16,
    pub target_database: String,
    pub target_user: String,
    /// A word of `target.sslmode`.
    pub sslmode: String,
}

/// The environment variables that the file takes its passwords from.
pub const SOURCE_PASSWORD: &str = "MSSQL_PASSWORD";
pub const TARGET_PASSWORD: &str = "PGPASSWORD";

/// The text of a job file called `job`.
pub fn job_file(job: &str, servers: &Servers) -> String {
    let trust = if servers.trust_server_certificate {
        "  trust_server_certificate: true  # any certificate is accepted: for test servers\n"
    } else {
        ""
    };
    format!(
        "\
# A job of migrate. docs/job-file.md lists every key with its default. `migrate check` tries both servers,
# `migrate plan` shows what would be made, `migrate run` moves the data; the same command continues a
# run that was stopped.
job: {job}                 # state is kept under this name on the target

source:
  host: {source_host}
  database: {source_database}
  user: {source_user}
  password: ${{{SOURCE_PASSWORD}}}   # or ${{file:/run/secrets/mssql_password}}
  encrypt: {encrypt}               # off, login_only, required or strict
{trust}  pool:
    max_connections: 12             # for the whole run; agree on this with the owner of the source

target:
  host: {target_host}
  port: {target_port}
  database: {target_database}
  user: {target_user}
  password: ${{{TARGET_PASSWORD}}}       # or ${{file:/run/secrets/pg_password}}
  sslmode: {sslmode}            # disable, require, verify-ca or verify-full
  schemas: {{ dbo: public }}          # source schema to target schema; others keep their name

tables:
  exclude: [dbo.sysdiagrams]        # names or patterns, as dbo.Log*

transfer:
  mode: create                      # create never touches a table that is there; also replace, truncate, append
  consistency: strict               # snapshot: each statement reads one moment, if the source allows it

schema:
  views: try                        # those whose meaning is certain; plan and report list the others
  functions: needed                 # those that a view, check or default calls

verify: counts                      # checksums also compares what was sent with what arrived

report:
  html: {report}
",
        job = quoted(job),
        source_host = quoted(&servers.source_host),
        source_database = quoted(&servers.source_database),
        source_user = quoted(&servers.source_user),
        encrypt = quoted(&servers.encrypt),
        target_host = quoted(&servers.target_host),
        target_port = servers.target_port,
        target_database = quoted(&servers.target_database),
        target_user = quoted(&servers.target_user),
        sslmode = quoted(&servers.sslmode),
        report = quoted(&format!("{job}-report.html")),
    )
}

/// A double-quoted YAML scalar, in which `${` is no reference. A word that needs no quotes has none.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    let reserved = ["true", "false", "null", "yes", "no", "on", "off"];
    if word && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn servers() -> Servers {
        Servers {
            source_host: "sql01\\SHOP".into(),
            source_database: "My \"Shop\" ${x}: #1".into(),
            source_user: "off".into(),
            encrypt: "required".into(),
            trust_server_certificate: false,
            target_host: "::1".into(),
            target_port: 5433,
            target_database: "shop".into(),
            target_user: "migrator".into(),
            sslmode: "verify-full".into(),
        }
    }

    /// Read back by the reader of job files: what was asked for is what the job says.
    #[test]
    fn the_file_is_a_job_with_what_was_answered() {
        let text = job_file("my shop", &servers());
        let secrets = |name: &str| {
            let secret = match name {
                SOURCE_PASSWORD => "a: \"b",
                TARGET_PASSWORD => "c",
                _ => return None,
            };
            Some(secret.into())
        };
        let job = config::parse(&text, "stem", &secrets).expect("a job file");
        assert_eq!(job.name, "my shop");
        assert_eq!(job.source.host, "sql01");
        assert_eq!(job.source.instance.as_deref(), Some("SHOP"));
        assert_eq!(job.source.database, "My \"Shop\" ${x}: #1");
        assert_eq!(job.source.user, "off");
        assert_eq!(job.target.host, "::1");
        assert_eq!(job.target.port, 5433);
        assert!(!text.contains("a: \"b"));
    }

    #[test]
    fn a_password_that_is_not_set_is_named() {
        let problems = config::parse(&job_file("shop", &servers()), "stem", &|_| None);
        let problems = problems.expect_err("no passwords");
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
