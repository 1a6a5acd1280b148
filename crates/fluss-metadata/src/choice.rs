//! Sets of names, as properties and messages have them.

/// Defines enums of names; upper and lower case are the same when a name is read.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident => $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All of them, in the order of the Java class.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// The name in properties.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Reads the name as properties spell it; upper and lower case are the same.
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

/// Defines enums of names with the numbers that messages carry.
macro_rules! coded {
    ($($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident => $text:literal = $code:literal),* $(,)? })*) => {$(
        $crate::choice::choices! {
            $(#[$doc])*
            $name ($what) { $($(#[$vdoc])* $variant => $text),* }
        }

        impl $name {
            /// The number in messages.
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code),* }
            }

            /// What a number in a message means.
            ///
            /// # Errors
            ///
            /// A number that this client does not know.
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
