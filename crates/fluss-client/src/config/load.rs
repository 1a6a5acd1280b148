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

/// Beginnings of the environment variables that are read; others that begin with `FLUSS_` belong to somebody else.
const ENVIRONMENT: [&str; 3] = ["FLUSS_BOOTSTRAP_", "FLUSS_CLIENT_", "FLUSS_NETTY_CLIENT_"];

/// What stands in errors for a secret.
const HIDDEN: &str = "***";

/// Most bytes of a properties file.
const MAX_PROPERTIES_BYTES: u64 = 1 << 20;

impl Config {
    /// A configuration from keys and values as the Java client has them; what no key sets keeps its default.
    ///
    /// [`options`](super::options()) lists the keys. Keys of the Java client that make no sense here are accepted without effect. What
    /// begins with `client.fs.` goes to [`file_system_properties`](Self::file_system_properties).
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
    /// [`ErrorKind::Config`](crate::error::ErrorKind::Config): an unknown key, with the nearest known one, or a value that cannot be
    /// read, with its key and what was expected. Passwords are not shown.
    pub fn from_map<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut config = Self::default();
        config.set_all(entries)?;
        Ok(config)
    }

    /// Sets what one key of the Java client stands for.
    ///
    /// # Errors
    ///
    /// As [`from_map`](Self::from_map); nothing is set then.
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

    /// Sets what several keys stand for. Where a user stands beside a JAAS entry, the user goes first, whatever their order.
    ///
    /// # Errors
    ///
    /// As [`from_map`](Self::from_map); some of them may have been set then.
    pub fn set_all<K, V>(&mut self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()));
        // By key: so `…jaas.config` comes before `…password` and `…username`, and the first error is always the same one.
        for (key, value) in entries.collect::<BTreeMap<_, _>>() {
            self.set(&key, &value)?;
        }
        Ok(())
    }

    /// A configuration from the environment: the variable of a key is `FLUSS_` and the key in upper case, with `_` for `.` and `-`.
    /// So `FLUSS_BOOTSTRAP_SERVERS` is `bootstrap.servers`, and `FLUSS_CLIENT_WRITER_BATCH_SIZE` is `client.writer.batch-size`.
    ///
    /// Variables that begin with neither `FLUSS_BOOTSTRAP_`, `FLUSS_CLIENT_` nor `FLUSS_NETTY_CLIENT_` are left alone.
    ///
    /// # Errors
    ///
    /// As [`from_map`](Self::from_map), naming variables; also for a value that is no text.
    pub fn from_env() -> Result<Self> {
        let mut config = Self::default();
        config.set_env(std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().map_err(drop);
            Some((name.into_string().ok()?, value))
        }))?;
        Ok(config)
    }

    /// A configuration from a properties file of the Java client, in UTF-8.
    ///
    /// Comments (`#`, `!`), the separators `=`, `:` and white space, lines that go on after a `\`, and the escapes `\n`, `\t`, `\r`, `\f`,
    /// `\uXXXX` are those of `java.util.Properties`. The file is read with blocking calls.
    ///
    /// # Errors
    ///
    /// As [`from_map`](Self::from_map); a file that cannot be read, is larger than 1 MiB, no UTF-8, or has a broken escape.
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

    /// As [`from_properties`](Self::from_properties), from any reader, up to its end.
    ///
    /// # Errors
    ///
    /// As [`from_properties`](Self::from_properties).
    pub fn from_properties_reader(reader: impl Read) -> Result<Self> {
        let mut text = String::new();
        let unreadable = |why: String| Error::config("properties", "", why);
        let mut limited = reader.take(MAX_PROPERTIES_BYTES + 1);
        limited
            .read_to_string(&mut text)
            .map_err(|error| unreadable(format!("readable text in UTF-8: {error}")))?;
        if text.len() as u64 > MAX_PROPERTIES_BYTES {
            return Err(unreadable("at most 1 MiB".to_owned()));
        }
        Self::from_properties_text(&text)
    }

    /// As [`from_properties`](Self::from_properties), from the text itself.
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
    /// As [`from_map`](Self::from_map); a broken escape, with the number of its line.
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

    /// Sets what variables stand for; a value is an error if it is no text.
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
                    "`client.fs.…` in a map or a properties file, as variables do not keep the spelling of such keys",
                ));
            }
            let Some(option) = known.get(&name) else {
                let names = known.keys().map(String::as_str);
                return Err(unknown(&name, nearest(&name, names).unwrap_or_default()));
            };
            let Ok(value) = value else {
                return Err(bad_value(option, &name, "not UTF-8", "text in UTF-8"));
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
        format!("a known key; the nearest one is {nearest:?}"),
    )
}

fn bad_value(option: &ConfigOption, name: &str, value: &str, expected: &str) -> Error {
    let value = match option.kind {
        OptionKind::Secret => HIDDEN,
        _ => value,
    };
    Error::config(name, value, expected)
}
