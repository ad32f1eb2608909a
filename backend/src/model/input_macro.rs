//! Inputs of which one declaration says what they hold, how the OpenAPI document describes it and how it is read.

/// Declares an input. Beside the type of each field, which the OpenAPI document describes, stands the method of [`Fields`]
/// that reads it. A check of several fields sees each as it was read: `None` where a problem was noted.
///
/// [`Fields`]: super::Fields
macro_rules! input {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty = $method:ident($($argument:expr),+),)+
        }
        $(check($fields:ident) $check:block)?
    ) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)+
        }

        impl $crate::model::FromFields for $name {
            fn from_fields(fields: &mut $crate::model::Fields) -> Option<Self> {
                $(let $field = fields.$method($($argument),+);)+
                $({
                    let $fields = &mut *fields;
                    $check
                })?
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}

pub(super) use input;
