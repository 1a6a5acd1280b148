//! How tables of the aggregation engine merge the values of a column.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::{MetadataError, Result};

/// An aggregation with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggFunction {
    function: AggFunctionType,
    parameters: BTreeMap<String, String>,
}

impl AggFunction {
    /// An aggregation without parameters.
    pub fn new(function: AggFunctionType) -> Self {
        Self {
            function,
            parameters: BTreeMap::new(),
        }
    }

    /// The same aggregation with a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Which aggregation.
    pub fn function(&self) -> AggFunctionType {
        self.function
    }

    /// Its parameters.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    pub(crate) fn validate(&self, field: &str) -> Result<()> {
        let takes_delimiter = matches!(
            self.function,
            AggFunctionType::Listagg | AggFunctionType::StringAgg
        );
        for (name, value) in &self.parameters {
            if !(takes_delimiter && name == "delimiter") {
                return Err(MetadataError::invalid(
                    field,
                    format!("parameter {name:?} of {}", self.function),
                    if takes_delimiter {
                        "the parameter delimiter"
                    } else {
                        "no parameter"
                    },
                ));
            }
            if value.is_empty() {
                return Err(MetadataError::invalid(
                    field,
                    "an empty delimiter",
                    "a delimiter",
                ));
            }
        }
        Ok(())
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident => $text:literal),* $(,)?) => {
        /// Which aggregation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AggFunctionType { $($(#[$doc])* $name),* }

        impl AggFunctionType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in documents and messages.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

functions! {
    /// Sum.
    Sum => "sum",
    /// Product.
    Product => "product",
    /// Greatest value.
    Max => "max",
    /// Least value.
    Min => "min",
    /// Latest value.
    LastValue => "last_value",
    /// Latest value that is not null.
    LastValueIgnoreNulls => "last_value_ignore_nulls",
    /// First value.
    FirstValue => "first_value",
    /// First value that is not null.
    FirstValueIgnoreNulls => "first_value_ignore_nulls",
    /// Texts joined by a delimiter.
    Listagg => "listagg",
    /// Texts joined by a delimiter.
    StringAgg => "string_agg",
    /// All true.
    BoolAnd => "bool_and",
    /// Any true.
    BoolOr => "bool_or",
    /// Union of 32-bit roaring bitmaps.
    Rbm32 => "rbm32",
    /// Union of 64-bit roaring bitmaps.
    Rbm64 => "rbm64",
}

impl fmt::Display for AggFunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AggFunctionType {
    type Err = MetadataError;

    fn from_str(text: &str) -> Result<Self> {
        let name = text.to_lowercase().replace('-', "_");
        Self::ALL
            .iter()
            .copied()
            .find(|function| function.name() == name)
            .ok_or_else(|| {
                MetadataError::invalid(
                    "aggregation function",
                    format!("{text:?}"),
                    "sum, max, last_value …",
                )
            })
    }
}
