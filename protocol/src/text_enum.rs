//! Macros that declare enums whose values have names in the published contract.

/// Declares an enum with the name that each value has in JSON and in text, and the list of its values.
macro_rules! text_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$value_attribute:meta])* $value:ident = $text:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$value_attribute])* #[serde(rename = $text)] $value,)+
        }

        impl $name {
            /// All values, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// The names of all values, in the order of `ALL`.
            pub const NAMES: &'static [&'static str] = &[$($text,)+];

            /// The name of the value in the contract.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            /// The value with the given name; `None` for a name of a later version.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownValue;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::from_name(name).ok_or($crate::UnknownValue)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares one enum from the list in [`contract_enum!`](crate::contract_enum) as an enum of this crate.
macro_rules! shared_enum {
    (
        $(#[$about:meta])+
        $name:ident $(default $default:ident)? {
            $($(#[$text:meta])+ $value:ident = $word:literal $(graphql $graphql:literal)?,)+
        }
    ) => {
        $crate::text_enum::text_enum! {
            $(#[$about])+
            pub enum $name {
                $($(#[$text])+ $value = $word,)+
            }
        }

        $(
            impl Default for $name {
                fn default() -> Self {
                    Self::$default
                }
            }
        )?
    };
}

pub(crate) use shared_enum;
pub(crate) use text_enum;

/// The error for a text that names no value of the enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownValue;

impl std::fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an unknown value")
    }
}

impl std::error::Error for UnknownValue {}
