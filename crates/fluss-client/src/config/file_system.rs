//! Settings of remote storage.

use std::collections::BTreeMap;
use std::fmt;

/// Settings of remote storage by their names. Values may be secrets: they are not shown by [`Debug`](fmt::Debug).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileSystemProperties(BTreeMap<String, String>);

impl FileSystemProperties {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one, and returns what it was before.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.0.insert(name.into(), value.into())
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for FileSystemProperties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self(
            entries
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for FileSystemProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
