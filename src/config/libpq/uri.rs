//! A connection string in libpq's URI form: `postgresql://user:password@host:port,host:port/database?key=value`.
//!
//! PostgreSQL documentation, "Connection Strings", 34.1.1.2. Errors never repeat a part of the text: any of them
//! may be a password.

use zeroize::Zeroizing;

/// Parameters by libpq's names, in the order of the text; a later one wins.
pub(super) type Parameters = Vec<(String, Zeroizing<String>)>;

/// # Errors
/// A fragment that says what is wrong.
pub(super) fn parse(text: &str) -> Result<Parameters, &'static str> {
    let rest = text
        .strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
        .ok_or("must be a URI: postgresql://user@host:port/database?sslmode=verify-full")?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (authority, database) = match rest.split_once('/') {
        Some((authority, database)) => (authority, database),
        None => (rest, ""),
    };
    let mut parameters = Parameters::new();
    let hosts = match authority.rsplit_once('@') {
        Some((login, hosts)) => {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            put(&mut parameters, "user", user)?;
            if let Some(password) = password {
                put(&mut parameters, "password", password)?;
            }
            hosts
        }
        None => authority,
    };
    places(hosts, &mut parameters)?;
    put(&mut parameters, "dbname", database)?;
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let (name, value) = pair
            .split_once('=')
            .ok_or("has a part after `?` without `=`")?;
        match (decoded(name)?.as_str(), value) {
            // As JDBC writes it.
            ("ssl", "true") => put(&mut parameters, "sslmode", "require")?,
            (name, value) => put(&mut parameters, name, value)?,
        }
    }
    Ok(parameters)
}

/// Hosts and ports as libpq's lists. A port that is not written is an empty place in its list.
fn places(text: &str, parameters: &mut Parameters) -> Result<(), &'static str> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for place in text.split(',') {
        let (host, port) = match place.strip_prefix('[') {
            Some(address) => {
                let (address, after) = address
                    .split_once(']')
                    .ok_or("has a bracket that is not closed")?;
                (address, after.strip_prefix(':').unwrap_or(after))
            }
            None => place.split_once(':').unwrap_or((place, "")),
        };
        hosts.push(decoded(host)?.to_string());
        ports.push(decoded(port)?.to_string());
    }
    put_text(parameters, "host", hosts.join(","));
    if ports.iter().any(|port| !port.is_empty()) {
        put_text(parameters, "port", ports.join(","));
    }
    Ok(())
}

/// What is empty is not given.
fn put(parameters: &mut Parameters, name: &str, value: &str) -> Result<(), &'static str> {
    let value = decoded(value)?;
    if !value.is_empty() {
        parameters.push((name.to_owned(), value));
    }
    Ok(())
}

fn put_text(parameters: &mut Parameters, name: &str, value: String) {
    if !value.is_empty() {
        parameters.push((name.to_owned(), Zeroizing::new(value)));
    }
}

/// Percent-decoding (RFC 3986, section 2.1); a plus stays one.
fn decoded(text: &str) -> Result<Zeroizing<String>, &'static str> {
    const WRONG: &str = "has a `%` that two hexadecimal digits do not follow";
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = after.get(..2).ok_or(WRONG)?;
        let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
        if digits.starts_with('+') {
            return Err(WRONG);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        rest = &after[2..];
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not UTF-8 once it is decoded")?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name=value` of each parameter.
    fn read(text: &str) -> Vec<String> {
        let parameters = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = parameters.iter();
        shown
            .map(|(name, value)| format!("{name}={}", value.as_str()))
            .collect()
    }

    /// The examples of PostgreSQL's documentation, and of its own tests (`t/001_uri.pl`).
    #[test]
    fn the_forms_of_libpq_are_read() {
        for (text, expected) in [
            ("postgresql://", &[][..]),
            ("postgresql://localhost", &["host=localhost"]),
            (
                "postgresql://localhost:5433",
                &["host=localhost", "port=5433"],
            ),
            (
                "postgresql://localhost/mydb",
                &["host=localhost", "dbname=mydb"],
            ),
            (
                "postgres://user:secret@localhost",
                &["user=user", "password=secret", "host=localhost"],
            ),
            (
                "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp",
                &[
                    "user=other",
                    "host=localhost",
                    "dbname=otherdb",
                    "connect_timeout=10",
                    "application_name=myapp",
                ],
            ),
            (
                "postgresql://host1:123,host2:456/somedb?target_session_attrs=any",
                &[
                    "host=host1,host2",
                    "port=123,456",
                    "dbname=somedb",
                    "target_session_attrs=any",
                ],
            ),
            (
                "postgresql://host1,host2:456/",
                &["host=host1,host2", "port=,456"],
            ),
            (
                "postgresql:///mydb?host=localhost&port=5433",
                &["dbname=mydb", "host=localhost", "port=5433"],
            ),
            (
                "postgresql://[2001:db8::1234]/database",
                &["host=2001:db8::1234", "dbname=database"],
            ),
            (
                "postgresql://[::1]:12345/db",
                &["host=::1", "port=12345", "dbname=db"],
            ),
            (
                "postgresql://%2Fvar%2Flib%2Fpostgresql/dbname",
                &["host=/var/lib/postgresql", "dbname=dbname"],
            ),
            (
                "postgresql://u%40x:p%3A%2F%3F@host/db%20x",
                &["user=u@x", "password=p:/?", "host=host", "dbname=db x"],
            ),
            ("postgresql://h?ssl=true", &["host=h", "sslmode=require"]),
            ("postgresql://a+b@h", &["user=a+b", "host=h"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_part_of_it() {
        for text in [
            "host=localhost password=s3cret",
            "mysql://u:s3cret@h",
            "postgresql://u:s3cret%@h",
            "postgresql://u:s3cret%zz@h",
            "postgresql://u:s3cret%+1@h",
            "postgresql://u:s3cret%ff@h",
            "postgresql://u:s3cret@[::1",
            "postgresql://u:s3cret@h?zzz",
        ] {
            let error = parse(text).expect_err(text);
            assert!(
                !error.contains("s3cret") && !error.contains("zz"),
                "{error}"
            );
        }
    }
}
