//! Numbers and texts as bytes.

use std::io::{self, BufRead, Read as _, Write};

/// Seven bits a byte, low bits first, the high bit set on all but the last.
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

fn low_byte(number: u64) -> u8 {
    u8::try_from(number & 0x7F).expect("seven bits")
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
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
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

/// The number at the beginning of these bytes and its length, if it ends within eight bytes and within these.
#[inline]
pub(super) fn whole_number(bytes: &[u8]) -> Option<(u64, usize)> {
    if let [short @ ..=0x7F, ..] = bytes {
        return Some((u64::from(*short), 1));
    }
    let mut number: u64 = 0;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}
