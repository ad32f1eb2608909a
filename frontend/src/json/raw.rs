//! Values that stay JSON text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A JSON value as text, not parsed yet.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'de>(pub(crate) &'de str);

impl Raw<'_> {
    /// The name of the newtype, by which the parser recognises it.
    pub(super) const NAME: &'static str = "json::Raw";
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl<'de> Visitor<'de> for Whole {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Raw(text))
            }
        }
        deserializer.deserialize_newtype_struct(Self::NAME, Whole)
    }
}
