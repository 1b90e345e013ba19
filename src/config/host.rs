//! `source.host` in the forms of connection strings and of SQL Server's own tools.
//!
//! The parts are given back separately, for the keys `source.port` and `source.instance`, because
//! that is what the rest of the tool reads. Every error is a fragment that follows the key in a
//! problem, and says which form would have been right.

const CONNECTION_STRING: &str = "is the server's name or address alone, not a connection string";

/// What the form names: each part has a key of its own as well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) host: String,
    /// `None` if the text has no port; never 0.
    pub(crate) port: Option<u16>,
    /// `None` for the default instance, under its name `MSSQLSERVER` too.
    pub(crate) instance: Option<String>,
}

/// Reads `server`, `server\INSTANCE`, `tcp:server,1433`, `server:1433`, `[::1]:1433`, `(local)` and `.`
/// (SqlClient's `Data Source` and what JDBC and Go's driver take).
///
/// # Errors
/// What is written names no server that TCP reaches.
pub(crate) fn read(text: &str) -> Result<Host, &'static str> {
    let text = text.trim();
    let (place, port) = split_port(without_protocol(text)?)?;
    let (host, instance) = match place.split_once('\\') {
        Some((host, instance)) => (host, Some(instance)),
        None => (place, None),
    };
    if host.to_ascii_lowercase().starts_with("(localdb)") {
        return Err("LocalDB takes no TCP connections: name a SQL Server");
    }
    let host = match host.trim() {
        "" => return Err("has no server's name before the port or instance"),
        "." => "localhost",
        local if local.eq_ignore_ascii_case("(local)") => "localhost",
        host => host,
    };
    if host.contains(['/', '@', ' ', ';', '=']) {
        return Err(
            "is the server's name or address alone: user, password and database have keys of their own",
        );
    }
    let instance = match instance.map(str::trim) {
        Some("") => return Err("ends with a backslash: an instance's name follows it"),
        // What clients write for the default instance.
        Some(instance) if instance.eq_ignore_ascii_case("MSSQLSERVER") => None,
        instance => instance.map(str::to_owned),
    };
    Ok(Host {
        host: host.to_owned(),
        port,
        instance,
    })
}

/// The text after `tcp:`. Other protocols are refused by name, since the server's own tools write
/// them.
fn without_protocol(text: &str) -> Result<&str, &'static str> {
    let Some((protocol, rest)) = text.split_once(':') else {
        return named_pipe(text);
    };
    match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Ok(rest),
        "np" | "lpc" | "admin" | "via" => {
            Err("only TCP is spoken: write the server's name without a protocol")
        }
        "jdbc" => Err(CONNECTION_STRING),
        _ if rest.starts_with("//") => Err(CONNECTION_STRING),
        _ => named_pipe(text),
    }
}

/// Refuses `\\server\pipe\...`, gives everything else back as it is.
fn named_pipe(text: &str) -> Result<&str, &'static str> {
    if text.starts_with("\\\\") {
        return Err("is a named pipe, and only TCP is spoken: write the server's name");
    }
    Ok(text)
}

/// The port is what follows a comma, a single colon, or the bracket of an IPv6 address.
fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (place, port) = match text.split_once(',') {
        Some((place, port)) => (place, Some(port)),
        None => (text, None),
    };
    if let Some(address) = place.strip_prefix('[') {
        let (address, after) = address
            .split_once(']')
            .ok_or("has a bracket that is not closed")?;
        return match (after.strip_prefix(':'), port) {
            (Some(port), None) => Ok((address, Some(number(port)?))),
            (None, port) if after.is_empty() => Ok((address, port.map(number).transpose()?)),
            _ => Err("has more after the bracket than a port"),
        };
    }
    match (place.split_once(':'), port) {
        // More than one colon is an IPv6 address.
        (Some((host, after)), None) if !after.contains(':') => Ok((host, Some(number(after)?))),
        (_, port) => Ok((place, port.map(number).transpose()?)),
    }
}

fn number(port: &str) -> Result<u16, &'static str> {
    match port.trim().parse() {
        Ok(0) | Err(_) => Err("has something other than a port, 1 to 65535, after the name"),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of SqlClient's documentation ("SqlConnection.ConnectionString", Data Source).
    #[test]
    fn every_form_of_a_data_source_names_host_port_and_instance() {
        for (text, host, port, instance) in [
            ("sql01", "sql01", None, None),
            ("sql01.corp.example", "sql01.corp.example", None, None),
            (r"sql01\SHOP", "sql01", None, Some("SHOP")),
            (r"sql01\SHOP,50123", "sql01", Some(50123), Some("SHOP")),
            (r"sql01\MSSQLSERVER", "sql01", None, None),
            ("tcp:sql01,1433", "sql01", Some(1433), None),
            (r"TCP:sql01\SHOP", "sql01", None, Some("SHOP")),
            ("sql01,1444", "sql01", Some(1444), None),
            ("sql01, 1444", "sql01", Some(1444), None),
            ("sql01:1444", "sql01", Some(1444), None),
            ("mssql:1433", "mssql", Some(1433), None),
            ("10.0.0.7", "10.0.0.7", None, None),
            ("10.0.0.7:1444", "10.0.0.7", Some(1444), None),
            ("::1", "::1", None, None),
            ("fe80::1,1444", "fe80::1", Some(1444), None),
            ("[::1]", "::1", None, None),
            ("[::1]:1444", "::1", Some(1444), None),
            ("[::1],1444", "::1", Some(1444), None),
            ("tcp:[::1],1444", "::1", Some(1444), None),
            ("(local)", "localhost", None, None),
            (".", "localhost", None, None),
            (r".\SQLEXPRESS", "localhost", None, Some("SQLEXPRESS")),
            (r"(LOCAL)\SQLEXPRESS", "localhost", None, Some("SQLEXPRESS")),
        ] {
            let expected = Host {
                host: host.to_owned(),
                port,
                instance: instance.map(str::to_owned),
            };
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_tcp_does_not_reach_is_said() {
        for (text, part) in [
            (r"np:\\sql01\pipe\sql\query", "only TCP"),
            (r"\\sql01\pipe\sql\query", "named pipe"),
            ("lpc:sql01", "only TCP"),
            ("admin:sql01", "only TCP"),
            (r"(localdb)\MSSQLLocalDB", "LocalDB"),
            ("jdbc:sqlserver://sql01:1433", "connection string"),
            ("sqlserver://sa@sql01", "connection string"),
            ("Server=sql01", "keys of their own"),
            ("sa@sql01", "keys of their own"),
            ("sql01,port", "a port"),
            ("sql01:0", "a port"),
            ("sql01,70000", "a port"),
            ("[::1", "bracket"),
            ("[::1]x", "bracket"),
            (",1433", "no server's name"),
            (r"sql01\", "instance"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
