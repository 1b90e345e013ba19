//! The way to a server: `ssh` or `socks5` of a side.

use crate::config::job::{Route, Socks5, Ssh};
use crate::config::section::{Gathered, Section};

/// Both sections of a side, of which one may be used.
pub(super) fn route(side: &mut Section, g: &mut Gathered<'_>) -> Route {
    let ssh = ssh(side, g);
    let proxy = socks5(side, g);
    match (ssh, proxy) {
        (None, None) => Route::Direct,
        (Some(ssh), None) => Route::Ssh(ssh),
        (None, Some(proxy)) => Route::Socks5(proxy),
        (Some(ssh), Some(_)) => {
            let message = "is not used together with ssh: name one of them";
            side.problem("socks5", message, g);
            Route::Ssh(ssh)
        }
    }
}

/// `None` if no host is named.
fn ssh(side: &mut Section, g: &mut Gathered<'_>) -> Option<Ssh> {
    let mut section = side.section("ssh", g);
    let host = section.optional("host", g);
    let user = section.optional("user", g);
    let port = section.optional_number("port", g);
    let identity_file = section.path("identity_file", g);
    let has_more = user.is_some() || identity_file.is_some();
    let host = named(host, has_more, &section, g);
    section.finish(g);
    Some(Ssh {
        host: host?,
        user,
        port,
        identity_file,
    })
}

/// `None` if no host is named.
fn socks5(side: &mut Section, g: &mut Gathered<'_>) -> Option<Socks5> {
    let mut section = side.section("socks5", g);
    let host = section.optional("host", g);
    let port = section.number("port", g);
    let user = section.optional("user", g);
    let password = section.secret("password", g);
    let has_more = user.is_some() || password.is_some();
    let host = named(host, has_more, &section, g);
    if user.is_none() && password.is_some() {
        section.problem("user", "is missing: a password is for a user", g);
    }
    section.finish(g);
    Some(Socks5 {
        host: host?,
        port,
        user,
        password: password.unwrap_or_default(),
    })
}

/// The host, without which the other keys mean nothing.
fn named(
    host: Option<String>,
    has_more: bool,
    section: &Section,
    g: &mut Gathered<'_>,
) -> Option<String> {
    let host = host.filter(|host| !host.is_empty());
    if host.is_none() && has_more {
        section.problem("host", "is missing", g);
    }
    host
}
