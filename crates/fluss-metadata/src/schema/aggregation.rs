//! How tables with the aggregation merge engine merge the values of a column.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::data_type::{DataType, DataTypeFamily, DataTypeRoot};
use crate::error::{MetadataError, Result};

/// The only parameter of some functions.
const DELIMITER: &str = "delimiter";

/// An aggregation with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggFunction {
    function: AggFunctionType,
    parameters: BTreeMap<String, String>,
}

impl AggFunction {
    /// Creates an aggregation without parameters.
    pub fn new(function: AggFunctionType) -> Self {
        Self {
            function,
            parameters: BTreeMap::new(),
        }
    }

    /// Returns the same aggregation with a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Which aggregation.
    pub fn function(&self) -> AggFunctionType {
        self.function
    }

    /// Returns the parameters: `delimiter` for `listagg` and `string_agg`, a comma by default.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// Returns the same aggregation with these parameters.
    #[must_use]
    pub(crate) fn with_parameters(mut self, parameters: BTreeMap<String, String>) -> Self {
        self.parameters = parameters;
        self
    }

    /// Checks that the function takes these parameters.
    pub(crate) fn validate_parameters(&self) -> Result<()> {
        let delimiter = matches!(
            self.function,
            AggFunctionType::Listagg | AggFunctionType::StringAgg
        );
        for (name, value) in &self.parameters {
            if !(delimiter && name == DELIMITER) {
                return Err(MetadataError::invalid(
                    "aggregation function",
                    format!("parameter {name:?} of {}", self.function),
                    if delimiter {
                        "the parameter delimiter"
                    } else {
                        "no parameter"
                    },
                ));
            }
            if value.is_empty() {
                return Err(MetadataError::invalid(
                    "aggregation function",
                    "an empty delimiter",
                    "a delimiter of at least one character",
                ));
            }
        }
        Ok(())
    }

    /// Checks that the function can merge values of that type. Source:
    /// `AggFunctionType.java#getSupportedDataTypeRoots`.
    pub(crate) fn validate_type(&self, data_type: &DataType) -> Result<()> {
        let root = data_type.root();
        let numeric = root.is_in(DataTypeFamily::Numeric);
        let text = root.is_in(DataTypeFamily::CharacterString);
        let (fits, expected) = match self.function {
            AggFunctionType::Sum | AggFunctionType::Product => (numeric, "a number"),
            AggFunctionType::Max | AggFunctionType::Min => (
                numeric || text || root.is_in(DataTypeFamily::Datetime),
                "a number, a text, a date or a time",
            ),
            AggFunctionType::Listagg | AggFunctionType::StringAgg => (text, "STRING or CHAR"),
            AggFunctionType::BoolAnd | AggFunctionType::BoolOr => {
                (root == DataTypeRoot::Boolean, "BOOLEAN")
            }
            AggFunctionType::Rbm32 | AggFunctionType::Rbm64 => {
                (root == DataTypeRoot::Bytes, "BYTES")
            }
            AggFunctionType::LastValue
            | AggFunctionType::LastValueIgnoreNulls
            | AggFunctionType::FirstValue
            | AggFunctionType::FirstValueIgnoreNulls => (true, "any type"),
        };
        if fits {
            return Ok(());
        }
        Err(MetadataError::invalid(
            "aggregation function",
            format!("{} of {}", self.function, data_type.summary()),
            format!("{expected} for {}", self.function),
        ))
    }
}

impl From<AggFunctionType> for AggFunction {
    fn from(function: AggFunctionType) -> Self {
        Self::new(function)
    }
}

impl fmt::Display for AggFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name())?;
        for (name, value) in &self.parameters {
            write!(f, " {name}={value:?}")?;
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

            /// Returns the name in documents and messages.
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
    /// Maximum.
    Max => "max",
    /// Minimum.
    Min => "min",
    /// Latest value.
    LastValue => "last_value",
    /// Latest value that is not null.
    LastValueIgnoreNulls => "last_value_ignore_nulls",
    /// First value.
    FirstValue => "first_value",
    /// First value that is not null.
    FirstValueIgnoreNulls => "first_value_ignore_nulls",
    /// Strings joined by a delimiter.
    Listagg => "listagg",
    /// Strings joined by a delimiter.
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
                let names = Self::ALL.iter().map(|function| function.name());
                MetadataError::invalid(
                    "aggregation function",
                    format!("{text:?}"),
                    names.collect::<Vec<_>>().join(", "),
                )
            })
    }
}
