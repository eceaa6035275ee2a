//! Numbers and texts as bytes.

use std::io::{self, BufRead, Read as _, Write};

/// Seven bits a byte, low bits first, the high bit set on all but the last.
#[inline]
pub(super) fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

/// A number that can be negative: 0, -1, 1, -2 … become 0, 1, 2, 3 …
pub(super) fn integer(out: &mut Vec<u8>, number: i64) {
    unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// The number that [`integer`] wrote as this one.
pub(super) fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7F
}

/// Its length, then its bytes.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a whole buffer and empties it.
pub(super) fn flush(out: &mut Vec<u8>, inner: &mut impl Write) -> io::Result<()> {
    inner.write_all(out)?;
    out.clear();
    Ok(())
}

/// Why bytes could not be understood.
#[derive(Debug)]
pub(super) enum Trouble {
    /// They end too early.
    CutOff,
    /// They stopped coming.
    Io(io::Error),
    /// They cannot mean anything; what was expected.
    Wrong(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::CutOff;
        }
        Self::Io(error)
    }
}

/// Takes bytes from a reader, and counts them.
#[derive(Debug)]
pub(super) struct Source<R> {
    pub(super) inner: R,
    /// How many bytes were taken.
    pub(super) position: u64,
}

impl<R: BufRead> Source<R> {
    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Trouble> {
        let byte = match self.inner.fill_buf()?.first() {
            Some(byte) => *byte,
            None => return Err(Trouble::CutOff),
        };
        self.inner.consume(1);
        self.position += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn unsigned(&mut self) -> Result<u64, Trouble> {
        let known = whole_number(self.inner.fill_buf()?);
        if let Some((number, length)) = known {
            self.inner.consume(length);
            self.position += length as u64;
            return Ok(number);
        }
        self.unsigned_bytewise()
    }

    /// A number that does not lie in the buffer as a whole, or is not one.
    #[cold]
    fn unsigned_bytewise(&mut self) -> Result<u64, Trouble> {
        let mut number: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Trouble::Wrong("a number of at most 64 bits".to_owned()))
    }

    #[inline]
    pub(super) fn integer(&mut self) -> Result<i64, Trouble> {
        self.unsigned().map(signed)
    }

    /// This many bytes.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        // Grows as bytes come: a wrong count does not ask for all memory at once.
        let taken = self.inner.by_ref().take(count).read_to_end(&mut bytes)?;
        self.position += taken as u64;
        if (taken as u64) < count {
            return Err(Trouble::CutOff);
        }
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<String, Trouble> {
        let length = self.unsigned()?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes).map_err(|_| Trouble::Wrong("a text in UTF-8".to_owned()))
    }
}

/// The high bit of every byte, which says that more follow.
const MORE: u64 = 0x8080_8080_8080_8080;

/// The number at the beginning of these bytes and its length, if it ends within eight bytes and within these.
#[inline]
pub(super) fn whole_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let Some(eight) = bytes.first_chunk() else {
        return short_number(bytes);
    };
    // All eight at a time: numbers are of all lengths, and a loop would have to guess each.
    let word = u64::from_le_bytes(*eight);
    let last = !word & MORE;
    if last == 0 {
        return None;
    }
    let bits = last.trailing_zeros();
    let own = word & (u64::MAX >> (u64::BITS - 1 - bits)) & !MORE;
    // Sevens of bits are put side by side: two, then four, then all eight of them.
    let twos = (own & 0x007F_007F_007F_007F) | ((own & 0x7F00_7F00_7F00_7F00) >> 1);
    let fours = (twos & 0x0000_3FFF_0000_3FFF) | ((twos & 0x3FFF_0000_3FFF_0000) >> 2);
    let number = (fours & 0x0FFF_FFFF) | ((fours & 0x0FFF_FFFF_0000_0000) >> 4);
    Some((number, bits as usize / 8 + 1))
}

/// The length of the number at the beginning of these bytes, if it ends within eight bytes and there are as many.
#[inline]
pub(super) fn number_length(bytes: &[u8]) -> Option<usize> {
    let last = !u64::from_le_bytes(*bytes.first_chunk()?) & MORE;
    (last != 0).then(|| last.trailing_zeros() as usize / 8 + 1)
}

/// As [`whole_number`], near the end of what there is.
#[cold]
fn short_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number: u64 = 0;
    for (index, byte) in bytes.iter().enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{number_length, unsigned, whole_number};

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for bits in 0..=56 {
            for number in [1_u64 << bits, (1 << bits) - 1, (1 << bits) | 0x55] {
                let mut bytes = Vec::new();
                unsigned(&mut bytes, number);
                let length = bytes.len();
                let expected = (length <= 8).then_some((number, length));
                assert_eq!(whole_number(&bytes), expected, "{number} alone");
                bytes.extend([0xFF; 9]);
                assert_eq!(whole_number(&bytes), expected, "{number} before others");
                assert_eq!(number_length(&bytes), expected.map(|(_, length)| length));
                assert_eq!(whole_number(&bytes[..length - 1]), None, "{number} cut off");
            }
        }
    }
}
