//! Whole numbers in the format LEB128: each byte holds seven bits, the lowest bits first, so that small numbers take
//! one byte.

/// Appends a number.
pub(super) fn put(bytes: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
}

/// Reads numbers one after the other.
#[derive(Debug)]
pub(super) struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next number; `None` if the bytes end before the number does, or if it has more than 64 bits.
    pub(super) fn take(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Reads the next number as an `i64`; `None` if it does not fit, or if there is no valid number.
    pub(super) fn take_signed(&mut self) -> Option<i64> {
        self.take().and_then(|number| i64::try_from(number).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let numbers = [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX];
        let mut bytes = Vec::new();
        for number in numbers {
            put(&mut bytes, number);
        }
        let mut read = Numbers::new(&bytes);
        for number in numbers {
            assert_eq!(read.take(), Some(number));
        }
        assert!(read.is_at_end());
        assert_eq!(read.take(), None);
    }

    #[test]
    fn small_numbers_take_one_byte() {
        let mut bytes = Vec::new();
        put(&mut bytes, 127);
        assert_eq!(bytes, [127]);
    }

    #[test]
    fn damaged_bytes_are_no_number() {
        assert_eq!(Numbers::new(&[0x80]).take(), None, "the bytes end");
        assert_eq!(Numbers::new(&[0xff; 11]).take(), None, "it does not end");
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(Numbers::new(&too_large).take(), None, "it has 65 bits");
        assert_eq!(Numbers::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).take_signed(), None);
    }
}
