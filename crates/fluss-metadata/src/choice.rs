//! Enums with names for properties and numbers for messages.

/// Defines enums with names. Parsing a name ignores case.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident => $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All values, in the order of the Java class.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The names of all values, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// Returns the name in properties.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Parses the name used in properties, ignoring case.
            pub fn parse(text: &str) -> $crate::error::Result<Self> {
                $crate::config_value::parse_choice(text, Self::ALL, Self::name)
                    .map_err(|error| error.within(|_| $what.to_owned()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::MetadataError;

            fn from_str(text: &str) -> $crate::error::Result<Self> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

/// Defines enums with names and the numbers used in messages.
macro_rules! coded {
    ($($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident => $text:literal = $code:literal),* $(,)? })*) => {$(
        $crate::choice::choices! {
            $(#[$doc])*
            $name ($what) { $($(#[$vdoc])* $variant => $text),* }
        }

        impl $name {
            /// Returns the number in messages.
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code),* }
            }

            /// Returns the value for a number in a message.
            ///
            /// # Errors
            ///
            /// Returns an error if this client does not know the number.
            pub fn from_code(code: i32) -> $crate::error::Result<Self> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err($crate::error::MetadataError::invalid(
                        $what,
                        code.to_string(),
                        concat!("one of" $(, " ", $code, " (", $text, ")")*),
                    )),
                }
            }
        }
    )*};
}

pub(crate) use {choices, coded};
