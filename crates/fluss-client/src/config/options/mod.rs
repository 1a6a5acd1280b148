//! The table of options: every key of the Java client and every field of [`Config`], with its type, default and
//! meaning.

mod connection;
mod jaas;
mod lookup;
mod nearest;
mod option;
mod parse;
mod scanner;
mod security;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use nearest::nearest;
pub use option::{ConfigOption, Effect, OptionKind, Origin};
pub(super) use parse::check;

/// The prefix of settings that the Java client passes to its file systems.
pub(super) const FILE_SYSTEM_PREFIX: &str = "client.fs.";

/// Returns all options, by group.
pub fn options() -> impl Iterator<Item = &'static ConfigOption> {
    [
        connection::OPTIONS,
        security::OPTIONS,
        writer::OPTIONS,
        scanner::OPTIONS,
        lookup::OPTIONS,
    ]
    .into_iter()
    .flatten()
}

/// Returns the option with a key.
pub(super) fn find(key: &str) -> Option<&'static ConfigOption> {
    options().find(|option| option.key == key)
}

/// Returns the name of the environment variable that sets an option: `FLUSS_` plus the key in upper case, with `_` in
/// place of `.` and `-`.
pub fn environment_variable(key: &str) -> String {
    let mut name = "FLUSS_".to_owned();
    name.extend(key.chars().map(|character| match character {
        '.' | '-' => '_',
        other => other.to_ascii_uppercase(),
    }));
    name
}
