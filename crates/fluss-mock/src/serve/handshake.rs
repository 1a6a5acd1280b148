//! Authentication.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::Principal;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{AuthenticateRequest, AuthenticateResponse};
use fluss_wire::sasl::{PLAIN, PLAINTEXT, PlainCredentials};

use super::caller::Caller;
use crate::reply::{Result, fail};

/// Authenticates the caller: by SASL/PLAIN if there are users, otherwise by `PLAINTEXT` without credentials.
pub(crate) fn authenticate(
    users: &BTreeMap<String, String>,
    request: &AuthenticateRequest,
    caller: &mut Caller,
) -> Result<AuthenticateResponse> {
    let refused = |message: &str| fail(ErrorCode::AUTHENTICATE_EXCEPTION, message);
    let expected = if users.is_empty() { PLAINTEXT } else { PLAIN };
    if !request.protocol.eq_ignore_ascii_case(expected) {
        return refused(&format!(
            "the server speaks {expected}, the client {:?}",
            request.protocol
        ));
    }
    if users.is_empty() {
        return Ok(AuthenticateResponse { challenge: None });
    }
    match PlainCredentials::parse(&request.token) {
        Ok(found) if users.get(found.user).map(String::as_str) == Some(found.password) => {
            caller.principal = Principal::user(found.user);
            Ok(AuthenticateResponse {
                challenge: Some(Bytes::new()),
            })
        }
        Ok(_) => refused("invalid username or password"),
        Err(error) => refused(&error.to_string()),
    }
}
