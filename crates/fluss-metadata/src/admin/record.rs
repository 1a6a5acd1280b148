//! Records: structs that are created once and then read.

/// Defines a struct with private fields, a constructor that takes them all in order, and a getter for each.
///
/// How a getter returns a field follows from its type: `copy` for numbers, `as` another type for what is borrowed.
macro_rules! record {
    (@get $(#[$doc:meta])* $field:ident $type:ty) => {
        $(#[$doc])*
        pub fn $field(&self) -> $type { self.$field }
    };
    (@get $(#[$doc:meta])* $field:ident $type:ty, Option<&str>) => {
        $(#[$doc])*
        pub fn $field(&self) -> Option<&str> { self.$field.as_deref() }
    };
    (@get $(#[$doc:meta])* $field:ident $type:ty, $borrowed:ty) => {
        $(#[$doc])*
        pub fn $field(&self) -> $borrowed { &self.$field }
    };
    ($(#[$doc:meta])* $name:ident {
        $($(#[$fdoc:meta])* $field:ident: $type:ty $(as [$($borrowed:tt)*])?),* $(,)?
    }) => {
        $(#[$doc])*
        pub struct $name { $($field: $type),* }

        impl $name {
            /// Creates the value from all its fields.
            #[allow(clippy::too_many_arguments, reason = "one for each field, in their order")]
            pub fn new($($field: impl Into<$type>),*) -> Self {
                Self { $($field: $field.into()),* }
            }

            $($crate::admin::record::record!(@get $(#[$fdoc])* $field $type $(, $($borrowed)*)?);)*
        }
    };
}

pub(crate) use record;
