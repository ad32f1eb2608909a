//! Declarations of inputs, from which the OpenAPI description and the reader follow.

/// Declares an input. The type of each field, which the OpenAPI document describes, stands beside the method of
/// [`Fields`] that reads it. The block `check`, for checks of several fields, gets all fields as they were read: each
/// is `None` if an error was recorded for it.
///
/// [`Fields`]: super::Fields
macro_rules! input {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty = $method:ident($($argument:expr),+),)+
        }
        $(check($fields:ident, $read:ident) $check:block)?
    ) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)+
        }

        impl $crate::model::FromFields for $name {
            fn from_fields(fields: &mut $crate::model::Fields) -> Option<Self> {
                struct Read {
                    $($field: Option<$type>,)+
                }
                let read = Read { $($field: fields.$method($($argument),+),)+ };
                $({
                    let ($fields, $read) = (&mut *fields, &read);
                    $check
                })?
                Some(Self { $($field: read.$field?,)+ })
            }
        }
    };
}

pub(super) use input;
