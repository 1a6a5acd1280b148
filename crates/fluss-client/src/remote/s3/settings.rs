//! Settings of a store, with the names used by Hadoop and the servers.

use std::collections::BTreeMap;
use std::fmt;

/// Settings by name, without the prefixes `fs.`, `s3.` and `s3a.`, and with dots only.
#[derive(Clone, Default)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Takes the S3 settings of a map: `fs.s3a.endpoint`, `s3.endpoint`, `s3.access-key` and so on.
    pub(super) fn of<'a>(properties: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let settings = properties.filter_map(|(key, value)| {
            let key = key.strip_prefix("fs.").unwrap_or(key);
            let name = ["s3a.", "s3.", "s3n."]
                .iter()
                .find_map(|prefix| key.strip_prefix(prefix))?;
            Some((name.replace('-', "."), value.to_owned()))
        });
        Self(settings.collect())
    }

    /// Adds the settings of `others` that are missing here.
    pub(super) fn or(mut self, others: Self) -> Self {
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.get("endpoint.region").or_else(|| self.get("region"))
    }

    pub(super) fn path_style(&self) -> bool {
        self.get("path.style.access")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the address of the store, including the bucket unless paths contain it.
    pub(super) fn endpoint(&self, bucket: &str) -> Option<String> {
        let endpoint = self.get("endpoint")?.trim_end_matches('/');
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        Some(if self.path_style() {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{bucket}.{host}")
        })
    }

    pub(super) fn has_key(&self) -> bool {
        self.key().is_some()
    }

    /// Returns the key id, secret and session token.
    pub(super) fn key(&self) -> Option<(&str, &str, Option<&str>)> {
        let token = self.get("session.token");
        Some((self.get("access.key")?, self.get("secret.key")?, token))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}
