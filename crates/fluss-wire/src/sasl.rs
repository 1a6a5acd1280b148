//! SASL: the tokens inside `AUTHENTICATE` requests. PLAIN (RFC 4616) is the only mechanism of released servers.
//!
//! A connection to a listener without authentication sends no `AUTHENTICATE` at all. With PLAIN the client sends one
//! request, whose `protocol` is the name of the mechanism (not `SASL`), and is done when the response arrives.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use snafu::{OptionExt, Snafu, ensure};

use crate::message::AuthenticateRequest;

/// Name of the PLAIN mechanism: the `protocol` of the request.
pub const PLAIN: &str = "PLAIN";

/// What a client calls the protocol without authentication. It is a setting; it isn't sent.
pub const PLAINTEXT: &str = "PLAINTEXT";

/// Why a PLAIN token cannot be created or parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum SaslError {
    /// User or password is empty.
    #[snafu(display("{part} is empty"))]
    Empty {
        /// `user` or `password`.
        part: &'static str,
    },
    /// User or password contains a NUL, which separates them in the token.
    #[snafu(display("{part} contains a NUL character"))]
    Nul {
        /// `user` or `password`.
        part: &'static str,
    },
    /// The token is not three strings separated by NULs.
    #[snafu(display("token is not of the form authzid NUL user NUL password"))]
    Form,
    /// The token isn't UTF-8.
    #[snafu(display("token is not valid UTF-8"))]
    NotUtf8,
    /// The client wants to act for another user.
    #[snafu(display("authorization id is not the user"))]
    ForSomebodyElse,
}

/// Creates the token of a client: a NUL, the user, a NUL, the password. It contains the password in clear text.
pub fn plain_initial_response(user: &str, password: &str) -> Result<Bytes, SaslError> {
    for (part, text) in [("user", user), ("password", password)] {
        ensure!(!text.is_empty(), EmptySnafu { part });
        ensure!(!text.contains('\0'), NulSnafu { part });
    }
    let mut token = BytesMut::with_capacity(2 + user.len() + password.len());
    token.put_u8(0);
    token.put_slice(user.as_bytes());
    token.put_u8(0);
    token.put_slice(password.as_bytes());
    Ok(token.freeze())
}

/// Creates the complete request of a client.
pub fn plain_request(user: &str, password: &str) -> Result<AuthenticateRequest, SaslError> {
    Ok(AuthenticateRequest {
        protocol: PLAIN.to_owned(),
        token: plain_initial_response(user, password)?,
    })
}

/// The contents of a token, as parsed by a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PlainCredentials<'a> {
    /// The user.
    pub user: &'a str,
    /// In clear text.
    pub password: &'a str,
}

/// Without the password.
impl fmt::Debug for PlainCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainCredentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl<'a> PlainCredentials<'a> {
    /// Parses a token like the servers (Java: `PlainSaslServer.evaluateResponse`): an authorization id that isn't empty
    /// must be the user.
    pub fn parse(token: &'a [u8]) -> Result<Self, SaslError> {
        let token = std::str::from_utf8(token).ok().context(NotUtf8Snafu)?;
        let mut parts = token.split('\0');
        let (Some(acting_for), Some(user), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return FormSnafu.fail();
        };
        ensure!(!user.is_empty(), EmptySnafu { part: "user" });
        ensure!(!password.is_empty(), EmptySnafu { part: "password" });
        ensure!(
            acting_for.is_empty() || acting_for == user,
            ForSomebodyElseSnafu
        );
        Ok(Self { user, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_servers_do() {
        type Parsed<'a> = Result<(&'a str, &'a str), SaslError>;
        let cases: [(&str, &[u8], Parsed<'_>); 9] = [
            ("the usual", b"\0root\0secret", Ok(("root", "secret"))),
            ("for oneself", b"root\0root\0secret", Ok(("root", "secret"))),
            (
                "for another",
                b"admin\0root\0secret",
                Err(SaslError::ForSomebodyElse),
            ),
            (
                "no user",
                b"\0\0secret",
                Err(SaslError::Empty { part: "user" }),
            ),
            (
                "no password",
                b"\0root\0",
                Err(SaslError::Empty { part: "password" }),
            ),
            ("two parts", b"root\0secret", Err(SaslError::Form)),
            ("four parts", b"\0root\0sec\0ret", Err(SaslError::Form)),
            ("nothing", b"", Err(SaslError::Form)),
            ("not UTF-8", b"\0root\0\xff", Err(SaslError::NotUtf8)),
        ];
        for (name, token, expected) in cases {
            let parsed = PlainCredentials::parse(token).map(|found| (found.user, found.password));
            assert_eq!(parsed, expected, "{name}");
        }
    }

    #[test]
    fn what_servers_would_refuse_is_not_sent() {
        let cases = [
            ("", "secret", "user is empty"),
            ("root", "", "password is empty"),
            ("ro\0ot", "secret", "user contains a NUL character"),
            ("root", "sec\0ret", "password contains a NUL character"),
        ];
        for (user, password, message) in cases {
            assert_eq!(
                plain_request(user, password).unwrap_err().to_string(),
                message
            );
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let request = plain_request("root", "secret").unwrap();
        let printed = format!(
            "{request:?} {:?}",
            PlainCredentials::parse(&request.token).unwrap()
        );
        assert!(
            !printed.contains("secret") && !printed.contains("115"),
            "{printed}"
        );
    }
}
