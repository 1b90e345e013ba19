//! Access tokens of Microsoft Entra ID: what can be seen of one before the server is asked.
//!
//! A token is a JSON Web Token (RFC 7519). Only its audience and its end are looked at; whether it is
//! genuine is for the server.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::config::job::Secret;
use crate::error::{Error, Kind, Result};

/// Audiences that are asked for by mistake. Which ones a server takes depends on its cloud and service, so others are
/// left to it.
const OTHERS: [&str; 5] = [
    "https://management.",
    "https://graph.",
    "https://vault.",
    "https://storage.",
    "https://ossrdbms-aad.",
];
/// Seconds that this machine's clock may be fast.
const SKEW: u64 = 300;

/// The claims that are looked at.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: String,
    /// Seconds since 1970.
    exp: Option<u64>,
}

/// Refuses a token that no server would take. One that cannot be read is left to the server.
///
/// # Errors
/// `SourceLogin`: it is empty, past its end, or for another service.
pub(super) fn must_be_usable(token: &Secret) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    check(token.expose().trim(), now.unwrap_or_default().as_secs())
}

fn check(token: &str, now: u64) -> Result<()> {
    if token.is_empty() {
        return Err(Error::new(Kind::SourceLogin, "the access token is empty")
            .advise("source.token and source.token_command say where it comes from."));
    }
    let Some(claims) = claims(token) else {
        return Ok(());
    };
    if let Some(end) = claims.exp.filter(|end| end.saturating_add(SKEW) <= now) {
        return Err(Error::new(
            Kind::SourceLogin,
            format!("the access token ended {} s ago by this machine's clock", now - end),
        )
        .advise(
            "get a new one, or set source.token_command, which is run again for a new connection when its token is \
             older than source.token_life.",
        ));
    }
    if OTHERS.iter().any(|other| claims.aud.starts_with(other)) {
        return Err(Error::new(
            Kind::SourceLogin,
            format!("the access token is for {}, not for a database", claims.aud),
        )
        .advise(
            "ask for one with the resource https://database.windows.net/ (`az account get-access-token --resource \
             https://database.windows.net/ --query accessToken --output tsv`).",
        ));
    }
    Ok(())
}

/// `None` for what is no JSON Web Token.
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_that_no_server_would_take_is_refused_with_the_reason() {
        let audience = r#""aud":"https://database.windows.net/""#;
        for now in [99, 399] {
            assert!(check(&token(&format!("{{{audience},\"exp\":100}}")), now).is_ok());
        }
        for (claims, reason) in [
            (format!("{{{audience},\"exp\":100}}"), "ended 320 s ago"),
            (
                r#"{"aud":"https://management.azure.com/","exp":9000}"#.to_owned(),
                "for https://management.azure.com/",
            ),
        ] {
            let error = check(&token(&claims), 420).unwrap_err();
            assert_eq!(error.kind(), Kind::SourceLogin);
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert!(check("", 0).unwrap_err().to_string().contains("empty"));
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_server() {
        for opaque in [
            "opaque",
            "a.b.c",
            "..",
            &token("[]"),
            &token(r#"{"exp":"soon"}"#),
        ] {
            assert!(check(opaque, 100).is_ok(), "{opaque}");
        }
    }
}
