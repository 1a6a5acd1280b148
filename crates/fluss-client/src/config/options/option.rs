//! An option: its key, its type, and what setting it does.

use std::fmt;

use crate::config::settings::Config;

/// An option that a map, a properties file or the environment can set.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ConfigOption {
    /// The key, such as `client.writer.batch-size`.
    pub key: &'static str,
    /// The syntax of its values.
    pub kind: OptionKind,
    /// The default, in the syntax of the option, if it has one.
    pub default: Option<&'static str>,
    /// What the option means.
    pub meaning: &'static str,
    /// Which clients know the key.
    pub origin: Origin,
    /// What setting the option does.
    pub effect: Effect,
}

/// The syntax of the values of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionKind {
    /// Any text.
    Text,
    /// Text that is never shown.
    Secret,
    /// Strings separated by commas.
    List,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Double,
    /// A number with the unit `d`, `h`, `min`, `s`, `ms`, `µs` or `ns`, or ISO-8601 such as `PT30S`.
    Duration,
    /// A number with the unit `b`, `kb`, `mb`, `gb` or `tb`, powers of 1024.
    MemorySize,
    /// One of these words, in upper or lower case.
    Choice(&'static [&'static str]),
}

/// Which clients know an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The Java client, with the same meaning.
    Java,
    /// Only this client.
    Own,
}

/// What setting an option does.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Effect {
    /// Sets a field of [`Config`].
    #[non_exhaustive]
    Sets {
        /// The name of the field.
        field: &'static str,
        /// Parses a value into the field. The error says what was expected.
        apply: fn(&mut Config, &str) -> Result<(), String>,
    },
    /// Accepted and ignored, so that configurations of the Java client work unchanged.
    #[non_exhaustive]
    Ignored {
        /// Why the option has no effect here.
        because: &'static str,
    },
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sets { field, .. } => f.debug_struct("Sets").field("field", field).finish(),
            Self::Ignored { because } => {
                f.debug_struct("Ignored").field("because", because).finish()
            }
        }
    }
}

impl fmt::Display for OptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Secret => f.write_str("text"),
            Self::List => f.write_str("list"),
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Double => f.write_str("number"),
            Self::Duration => f.write_str("duration"),
            Self::MemorySize => f.write_str("size"),
            Self::Choice(words) => f.write_str(&words.join(", ")),
        }
    }
}

pub(super) const fn sets(
    key: &'static str,
    kind: OptionKind,
    default: Option<&'static str>,
    meaning: &'static str,
    field: &'static str,
    apply: fn(&mut Config, &str) -> Result<(), String>,
) -> ConfigOption {
    ConfigOption {
        key,
        kind,
        default,
        meaning,
        origin: Origin::Java,
        effect: Effect::Sets { field, apply },
    }
}

/// An option that only this client has.
pub(super) const fn own(option: ConfigOption) -> ConfigOption {
    ConfigOption {
        origin: Origin::Own,
        ..option
    }
}

/// An option that is ignored, with the default of the Java client.
pub(super) const fn ignored(
    key: &'static str,
    kind: OptionKind,
    default: Option<&'static str>,
    meaning: &'static str,
    because: &'static str,
) -> ConfigOption {
    ConfigOption {
        key,
        kind,
        default,
        meaning,
        origin: Origin::Java,
        effect: Effect::Ignored { because },
    }
}
