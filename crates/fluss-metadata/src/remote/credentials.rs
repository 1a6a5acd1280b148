//! Credentials for the file system of tiered files. Source: `CredentialsJsonSerde.java`.

use std::borrow::Cow;
use std::fmt;

use crate::error::{MetadataError, Result};
use crate::json::{JsonWriter, parse};

/// Credentials for an object store, as provided by a server in a security token. `Debug` shows no secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    security_token: Option<String>,
}

impl Credentials {
    /// Creates credentials, with a session token if they need one.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        security_token: Option<String>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            security_token,
        }
    }

    /// Returns the name of the key.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the key. A secret.
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// Returns the token. A secret.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    /// Returns the JSON document that the server sends.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.string_field("access_key_id", &self.access_key_id);
            json.string_field("access_key_secret", &self.secret_access_key);
            match &self.security_token {
                Some(token) => json.string_field("security_token", token),
                None => json.null_field("security_token"),
            }
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        // Errors would quote the text, which may be a secret here.
        Self::read(text).map_err(|_| MetadataError::Json {
            document: "credentials",
            reason: "got something else, expected strings access_key_id, access_key_secret and security_token"
                .to_owned(),
        })
    }

    fn read(text: &[u8]) -> Result<Self> {
        let [id, secret, token] = parse("credentials", text)?.fields([
            "access_key_id",
            "access_key_secret",
            "security_token",
        ])?;
        Ok(Self {
            access_key_id: id.string()?.into_owned(),
            secret_access_key: secret.string()?.into_owned(),
            security_token: token.optional_string()?.map(Cow::into_owned),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
