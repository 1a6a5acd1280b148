//! Errors of definitions.

use snafu::Snafu;

/// The result of every fallible function here.
pub type Result<T, E = MetadataError> = std::result::Result<T, E>;

/// Why a definition, a name or a document is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum MetadataError {
    /// A part of a definition breaks a rule.
    #[snafu(display("{field}: got {got}, expected {expected}"))]
    Invalid {
        /// Which part, such as `column "id"` or `primary key`.
        field: String,
        /// What was given.
        got: String,
        /// The rule.
        expected: String,
    },
    /// A JSON document cannot be read.
    #[snafu(display("{document}: {reason}"))]
    Json {
        /// What the document describes, such as `schema`.
        document: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
}

/// Maximum number of characters of a text quoted in an error.
const QUOTED: usize = 60;

/// The start of a text, for an error.
pub(crate) fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(QUOTED).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// The start of a text in quotes, for an error. Foreign text may be long, and longer when escaped.
pub(crate) fn quoted_text(text: &str) -> String {
    format!("{:?}", shortened(text))
}

impl MetadataError {
    /// Returns the same error with a field name derived from its current one.
    pub(crate) fn within(self, rename: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Invalid {
                field,
                got,
                expected,
            } => Self::Invalid {
                field: rename(&field),
                got,
                expected,
            },
            other @ Self::Json { .. } => other,
        }
    }

    pub(crate) fn invalid(
        field: impl Into<String>,
        got: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            field: field.into(),
            got: got.into(),
            expected: expected.into(),
        }
    }
}
