//! `migrate --version --verbose`: what this program was built with, and what it finds on this machine.

use std::ffi::OsString;
use std::fmt::Write as _;

/// The text, if that is what the arguments ask for.
pub fn asked_for(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let (mut version, mut verbose) = (false, false);
    for argument in arguments {
        match argument.to_str() {
            Some("--version" | "-V") => version = true,
            Some("--verbose" | "-v") => verbose = true,
            Some("-Vv" | "-vV") => (version, verbose) = (true, true),
            _ => {}
        }
    }
    (version && verbose).then(long)
}

/// One line for each thing that differs between builds or machines.
fn long() -> String {
    let lines = [
        ("build", build()),
        ("features", features().to_owned()),
        ("TLS", tls()),
        ("authorities", authorities()),
        ("Kerberos", kerberos()),
    ];
    let mut text = format!("migrate {}\n", env!("CARGO_PKG_VERSION"));
    for (name, value) in lines {
        // A string takes any text.
        let _ = writeln!(text, "{name:<12} {value}");
    }
    text
}

fn build() -> String {
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let library = match (
        cfg!(target_env = "musl"),
        cfg!(target_feature = "crt-static"),
    ) {
        (true, _) => "musl",
        (false, true) => "C library linked statically",
        (false, false) => "C library of the system",
    };
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{profile}, {machine} {system}, {library}")
}

fn features() -> &'static str {
    if cfg!(feature = "legacy-tls") {
        "legacy-tls"
    } else {
        "none (legacy-tls is not in this build)"
    }
}

#[cfg(feature = "legacy-tls")]
fn tls() -> String {
    format!(
        "rustls with ring; {} for source.tls: legacy",
        openssl::version::version()
    )
}

#[cfg(not(feature = "legacy-tls"))]
fn tls() -> String {
    "rustls with ring".to_owned()
}

/// The certificate authorities that are trusted if a job names none.
fn authorities() -> String {
    let found = rustls_native_certs::load_native_certs();
    match (found.certs.len(), found.errors.first()) {
        (0, Some(error)) => format!("none: {error}"),
        (0, None) => {
            "none on this machine: install ca-certificates, or set SSL_CERT_FILE".to_owned()
        }
        (count, _) => format!("{count} of this machine"),
    }
}

fn kerberos() -> String {
    match gssapi::is_available() {
        Ok(()) => gssapi::loaded().unwrap_or_default().to_owned(),
        Err(error) => format!("none: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Option<String> {
        asked_for(arguments.iter().map(OsString::from))
    }

    #[test]
    fn only_both_words_ask_for_the_long_version() {
        for short in [&["--version"][..], &["--verbose"], &["-v", "plan"], &[]] {
            assert_eq!(asked(short), None, "{short:?}");
        }
        let text = asked(&["--version", "--verbose"]).unwrap();
        for line in ["build", "features", "TLS", "authorities", "Kerberos"] {
            assert!(
                text.lines().any(|found| found.starts_with(line)),
                "{line}: {text}"
            );
        }
        assert_eq!(asked(&["-Vv"]), Some(text));
    }
}
