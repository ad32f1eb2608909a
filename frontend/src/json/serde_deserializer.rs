//! The deserializer. Each requested kind of value calls only its own visitor method, so that little code is generated
//! for each type.

use std::borrow::Cow;

use serde::{
    Deserializer,
    de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::CowStrDeserializer},
    forward_to_deserialize_any,
};

use super::{invalid_json::InvalidJson, number, raw::Raw, string_escapes};

/// A text and a position in it.
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    /// A reader at the beginning of a text.
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether only whitespace is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The next byte that is not whitespace.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += spaces;
        rest.get(spaces).copied()
    }

    fn take(&mut self, expected: u8) -> Result<(), InvalidJson> {
        if self.peek() != Some(expected) {
            return Err(InvalidJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Takes a literal such as `null`, if it comes next.
    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.peek().is_some() && self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Takes a string; returns the text between its quotes, and whether it has escapes.
    fn take_quoted(&mut self) -> Result<(&'de str, bool), InvalidJson> {
        self.take(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            match self.text.as_bytes().get(self.at) {
                None | Some(..0x20) => return Err(InvalidJson),
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1).map(|quoted| (quoted, has_escapes)).ok_or(InvalidJson)
    }

    fn take_text(&mut self) -> Result<Cow<'de, str>, InvalidJson> {
        let (quoted, has_escapes) = self.take_quoted()?;
        if has_escapes {
            string_escapes::unescape(quoted).map(Cow::Owned).ok_or(InvalidJson)
        } else {
            Ok(Cow::Borrowed(quoted))
        }
    }

    fn take_number(&mut self) -> Result<&'de str, InvalidJson> {
        self.peek();
        let rest = &self.text[self.at..];
        let length =
            rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        self.at += length;
        if length == 0 { Err(InvalidJson) } else { Ok(&rest[..length]) }
    }

    /// Skips a value; returns its text.
    fn skip(&mut self) -> Result<&'de str, InvalidJson> {
        self.peek();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(InvalidJson)? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(InvalidJson)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => drop(self.take_quoted()?),
                b't' | b'f' | b'n' => {
                    if !["true", "false", "null"].into_iter().any(|word| self.take_word(word)) {
                        return Err(InvalidJson);
                    }
                }
                _ => drop(self.take_number()?),
            }
            if depth == 0 {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Moves to the next entry of an object or an array; past the end if there is none.
    fn next_entry(&mut self, is_first: &mut bool, end: u8) -> Result<bool, InvalidJson> {
        if self.peek() == Some(end) && *is_first {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::replace(is_first, false) {
            return Ok(true);
        }
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        self.take(b',')?;
        // A comma is followed by an entry.
        if self.peek() == Some(end) { Err(InvalidJson) } else { Ok(true) }
    }

    fn whole<T: std::str::FromStr>(&mut self) -> Result<T, InvalidJson> {
        self.take_number()?.parse().map_err(|_| InvalidJson)
    }
}

/// The entries of an object or an array that is being read.
struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
    is_over: bool,
    end: u8,
}

impl<'a, 'de> Entries<'a, 'de> {
    fn begin(reader: &'a mut Reader<'de>, begin: u8, end: u8) -> Result<Self, InvalidJson> {
        reader.take(begin)?;
        Ok(Self { reader, is_first: true, is_over: false, end })
    }

    fn advance(&mut self) -> Result<bool, InvalidJson> {
        let has_next = self.reader.next_entry(&mut self.is_first, self.end)?;
        self.is_over = !has_next;
        Ok(has_next)
    }

    /// Returns `value`. Fails if entries are left unread, because the rest of the text would then be misread.
    fn finish<T>(self, value: T) -> Result<T, InvalidJson> {
        if self.is_over { Ok(value) } else { Err(InvalidJson) }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = InvalidJson;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidJson> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidJson> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, 'de> {
    type Error = InvalidJson;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, InvalidJson> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = InvalidJson;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        match self.peek().ok_or(InvalidJson)? {
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'"' => self.deserialize_str(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => {
                let number = self.take_number()?;
                match number.parse() {
                    Ok(whole) => visitor.visit_i64(whole),
                    Err(_) => visitor.visit_f64(number::fraction(number).ok_or(InvalidJson)?),
                }
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        let is_true = self.take_word("true");
        if is_true || self.take_word("false") { visitor.visit_bool(is_true) } else { Err(InvalidJson) }
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        visitor.visit_i32(self.whole()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        visitor.visit_i64(self.whole()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        visitor.visit_f64(number::fraction(self.take_number()?).ok_or(InvalidJson)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        match self.take_text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        self.deserialize_str(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        if self.take_word("null") { visitor.visit_unit() } else { Err(InvalidJson) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        if self.take_word("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidJson> {
        if name == Raw::NAME { visitor.visit_borrowed_str(self.skip()?) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        let mut entries = Entries::begin(self, b'[', b']')?;
        let value = visitor.visit_seq(&mut entries)?;
        entries.finish(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        let mut entries = Entries::begin(self, b'{', b'}')?;
        let value = visitor.visit_map(&mut entries)?;
        entries.finish(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidJson> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidJson> {
        let name: CowStrDeserializer<'_, InvalidJson> = self.take_text()?.into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidJson> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit_struct tuple tuple_struct
    }
}
