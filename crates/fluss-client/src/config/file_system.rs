//! Settings of remote storage.

use std::collections::BTreeMap;
use std::fmt;

/// Settings of remote storage, by name. Values may be secrets, so [`Debug`](fmt::Debug) does not show them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileSystemProperties(BTreeMap<String, String>);

impl FileSystemProperties {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value and returns the previous one.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.0.insert(name.into(), value.into())
    }

    /// Returns the value of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns all settings, ordered by name.
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
