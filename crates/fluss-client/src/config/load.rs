//! Configurations from text: maps, properties files, the environment, with the keys of the Java client.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use tracing::debug;

use super::options::{
    self, ConfigOption, Effect, FILE_SYSTEM_PREFIX, OptionKind, environment_variable, nearest,
};
use super::{Config, properties};
use crate::error::{Error, Result};

/// Prefixes of the environment variables that are read. Others that start with `FLUSS_` belong to other programs.
const ENVIRONMENT: [&str; 3] = ["FLUSS_BOOTSTRAP_", "FLUSS_CLIENT_", "FLUSS_NETTY_CLIENT_"];

/// What errors show in place of a secret.
const HIDDEN: &str = "***";

/// Maximum size of a properties file, in bytes.
const MAX_PROPERTIES_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads a configuration from keys and values of the Java client. Everything else keeps its default.
    ///
    /// [`options`](super::options()) lists the keys. Keys of the Java client that have no meaning here are accepted
    /// and ignored. Keys that start with `client.fs.` go to [`file_system_properties`](Self::file_system_properties).
    ///
    /// ```
    /// use fluss_client::config::Config;
    ///
    /// let config = Config::from_map([
    ///     ("bootstrap.servers", "localhost:9123"),
    ///     ("client.writer.batch-size", "1mb"),
    ///     ("client.writer.batch-timeout", "5ms"),
    /// ])?;
    /// assert_eq!(config.writer_batch_size, 1024 * 1024);
    ///
    /// let error = Config::from_map([("client.writer.batch-sice", "1mb")]).unwrap_err();
    /// assert!(error.to_string().contains("client.writer.batch-size"));
    /// # Ok::<(), fluss_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::error::ErrorKind::Config): an unknown key, with the closest known one, or an
    /// invalid value, with its key and what was expected. Passwords are not shown.
    pub fn from_map<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut config = Self::default();
        config.set_all(entries)?;
        Ok(config)
    }

    /// Sets the option with a key of the Java client.
    ///
    /// # Errors
    ///
    /// The same as [`from_map`](Self::from_map). On error, nothing is set.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let Some(option) = options::find(key) else {
            if let Some(name) = key.strip_prefix(FILE_SYSTEM_PREFIX) {
                self.file_system_properties.insert(name, value);
                return Ok(());
            }
            let known = nearest(key, options::options().map(|option| option.key));
            return Err(unknown(key, known.unwrap_or_default()));
        };
        self.set_option(option, value)
            .map_err(|expected| bad_value(option, key, value, &expected))
    }

    /// Sets several options. A user name takes precedence over a JAAS entry, whatever their order.
    ///
    /// # Errors
    ///
    /// The same as [`from_map`](Self::from_map). On error, some of the options may have been set.
    pub fn set_all<K, V>(&mut self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()));
        // Ordered by key, so that `…jaas.config` comes before `…password` and `…username`, and the first error is
        // deterministic.
        for (key, value) in entries.collect::<BTreeMap<_, _>>() {
            self.set(&key, &value)?;
        }
        Ok(())
    }

    /// Reads a configuration from the environment. The variable for a key is `FLUSS_` plus the key in upper case,
    /// with `_` in place of `.` and `-`: `FLUSS_BOOTSTRAP_SERVERS` sets `bootstrap.servers`, and
    /// `FLUSS_CLIENT_WRITER_BATCH_SIZE` sets `client.writer.batch-size`.
    ///
    /// Only variables that start with `FLUSS_BOOTSTRAP_`, `FLUSS_CLIENT_` or `FLUSS_NETTY_CLIENT_` are read.
    ///
    /// # Errors
    ///
    /// The same as [`from_map`](Self::from_map), but errors name the variable. Also if a value is not UTF-8.
    pub fn from_env() -> Result<Self> {
        let mut config = Self::default();
        config.set_env(std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().map_err(drop);
            Some((name.into_string().ok()?, value))
        }))?;
        Ok(config)
    }

    /// Reads a configuration from a properties file of the Java client, in UTF-8.
    ///
    /// The format is that of `java.util.Properties`: comments (`#`, `!`), the separators `=`, `:` and white space,
    /// lines continued with a `\`, and the escapes `\n`, `\t`, `\r`, `\f`, `\uXXXX`. The file is read with blocking
    /// calls.
    ///
    /// # Errors
    ///
    /// The same as [`from_map`](Self::from_map). Also if the file cannot be read, is larger than 1 MiB, is not UTF-8,
    /// or has an invalid escape.
    pub fn from_properties(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |why: String| {
            Error::config(
                "properties file",
                path.display(),
                format!("a readable file: {why}"),
            )
        };
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        Self::from_properties_reader(file)
    }

    /// Equivalent to [`from_properties`](Self::from_properties) with any reader, which is read to its end.
    ///
    /// # Errors
    ///
    /// The same as [`from_properties`](Self::from_properties).
    pub fn from_properties_reader(reader: impl Read) -> Result<Self> {
        let mut text = String::new();
        let unreadable = |why: String| Error::config("properties", "", why);
        let mut limited = reader.take(MAX_PROPERTIES_BYTES + 1);
        limited
            .read_to_string(&mut text)
            .map_err(|error| unreadable(format!("readable UTF-8 text: {error}")))?;
        if text.len() as u64 > MAX_PROPERTIES_BYTES {
            return Err(unreadable("at most 1 MiB".to_owned()));
        }
        Self::from_properties_text(&text)
    }

    /// Equivalent to [`from_properties`](Self::from_properties) with the text itself.
    ///
    /// ```
    /// use fluss_client::config::Config;
    ///
    /// let config = Config::from_properties_text(
    ///     "# where\n\
    ///      bootstrap.servers = one:9123,\\\n    two:9123\n\
    ///      client.request-timeout: 10s\n",
    /// )?;
    /// assert_eq!(config.bootstrap_server, "one:9123,two:9123");
    /// # Ok::<(), fluss_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`from_map`](Self::from_map). Also for an invalid escape, with its line number.
    pub fn from_properties_text(text: &str) -> Result<Self> {
        let entries = properties::parse(text).map_err(|line| {
            Error::config(
                "properties",
                format!("line {line}"),
                "four hexadecimal digits of a character after \\u",
            )
        })?;
        Self::from_map(entries)
    }

    /// Sets options from environment variables. A value that is not UTF-8 is an error.
    pub(super) fn set_env(
        &mut self,
        variables: impl IntoIterator<Item = (String, Result<String, ()>)>,
    ) -> Result<()> {
        let known = options::options()
            .map(|option| (environment_variable(option.key), option))
            .collect::<BTreeMap<_, _>>();
        let file_systems = environment_variable(FILE_SYSTEM_PREFIX);
        // By name, hence in the order of `set_all`.
        for (name, value) in variables.into_iter().collect::<BTreeMap<_, _>>() {
            if !ENVIRONMENT.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            if name.starts_with(&file_systems) {
                return Err(Error::config(
                    "variable",
                    name,
                    "`client.fs.…` in a map or a properties file, because variable names do not preserve the spelling of such keys",
                ));
            }
            let Some(option) = known.get(&name) else {
                let names = known.keys().map(String::as_str);
                return Err(unknown(&name, nearest(&name, names).unwrap_or_default()));
            };
            let Ok(value) = value else {
                return Err(bad_value(option, &name, "not UTF-8", "UTF-8 text"));
            };
            self.set_option(option, &value)
                .map_err(|expected| bad_value(option, &name, &value, &expected))?;
        }
        Ok(())
    }

    fn set_option(&mut self, option: &ConfigOption, value: &str) -> Result<(), String> {
        match option.effect {
            Effect::Sets { apply, .. } => apply(self, value),
            Effect::Ignored { because } => {
                options::check(option.kind, value)?;
                debug!(key = option.key, because, "has no effect");
                Ok(())
            }
        }
    }
}

fn unknown(key: &str, nearest: &str) -> Error {
    Error::config(
        "key",
        key,
        format!("a known key; the closest one is {nearest:?}"),
    )
}

fn bad_value(option: &ConfigOption, name: &str, value: &str, expected: &str) -> Error {
    let value = match option.kind {
        OptionKind::Secret => HIDDEN,
        _ => value,
    };
    Error::config(name, value, expected)
}
