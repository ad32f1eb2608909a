//! The keys that a table of the configuration file may have.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};

/// The keys of a table, from the fields that its type `T` declares.
pub(super) fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut keys: &'static [&'static str] = &[];
    // This always fails, but first passes the names of the fields to `FieldReader`.
    drop(T::deserialize(FieldReader(&mut keys)));
    keys
}

/// Takes the names of the fields from a type that derives `Deserialize`.
struct FieldReader<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldReader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is no value"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::keys_of;
    use crate::config::file::ConfigFile;

    #[test]
    fn the_keys_are_those_of_the_type() {
        let keys = keys_of::<ConfigFile>();
        assert!(keys.contains(&"server") && keys.contains(&"allowed-dirs"), "{keys:?}");
    }
}
