//! A position in one line of JSON, and the few shapes that a history line is made of. Allocates only for errors and for lists.

use super::Syntax;

/// Reads one line from left to right.
pub(crate) struct Cursor<'l> {
    line: &'l [u8],
    at: usize,
}

/// What parsing returns: a value, or the place where the line is wrong.
pub(crate) type Parsed<T> = Result<T, Syntax>;

impl<'l> Cursor<'l> {
    pub(crate) fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Whether everything has been read.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.line.len()
    }

    pub(crate) fn error<T>(&self, expected: impl Into<String>) -> Parsed<T> {
        Err(self.error_at(self.at, expected))
    }

    /// An error about something that began earlier in the line.
    pub(crate) fn error_at(&self, at: usize, expected: impl Into<String>) -> Syntax {
        let rest = &self.line[at.min(self.line.len())..];
        let found = if rest.is_empty() {
            "the end of the line".to_owned()
        } else {
            let end = rest.len().min(24);
            format!("`{}`", String::from_utf8_lossy(&rest[..end]))
        };
        Syntax {
            column: at + 1,
            expected: expected.into(),
            found,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.line.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not a space, without taking it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.line.get(self.at).copied()
    }

    /// Takes `byte` if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at += 1;
        }
        is_next
    }

    /// Takes `byte`, which must be next.
    pub(crate) fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.take(byte) {
            Ok(())
        } else {
            self.error(format!("`{}`", char::from(byte)))
        }
    }

    /// Takes a bare word: `null`, `true`, `false`.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let is_next = self.line[self.at..].starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// A whole number.
    pub(crate) fn integer(&mut self) -> Parsed<i64> {
        self.skip_space();
        let start = self.at;
        let is_negative = self.take(b'-');
        let first_digit = self.at;
        let mut total: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.line.get(self.at) {
            let next = total
                .checked_mul(10)
                .and_then(|t| t.checked_sub(i64::from(digit - b'0')));
            let Some(next) = next else {
                return Err(self.error_at(start, "a number of at most 64 bits"));
            };
            total = next;
            self.at += 1;
        }
        if self.at == first_digit {
            return Err(self.error_at(start, "a whole number"));
        }
        if let Some(b'.' | b'e' | b'E') = self.line.get(self.at) {
            return Err(self.error_at(start, "a whole number"));
        }
        if is_negative {
            return Ok(total);
        }
        total
            .checked_neg()
            .ok_or_else(|| self.error_at(start, "a number of at most 64 bits"))
    }

    /// A whole number that is not negative.
    pub(crate) fn unsigned(&mut self) -> Parsed<u64> {
        let start = {
            self.peek();
            self.at
        };
        let number = self.integer()?;
        u64::try_from(number).map_err(|_| self.error_at(start, "a number that is not negative"))
    }

    /// A name: a string without escapes, borrowed from the line.
    pub(crate) fn plain_text(&mut self) -> Parsed<&'l str> {
        self.expect(b'"')?;
        let start = self.at;
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b'"' => {
                    let text = &self.line[start..self.at];
                    self.at += 1;
                    return std::str::from_utf8(text)
                        .map_err(|_| self.error_at(start, "text in UTF-8"));
                }
                b'\\' => return self.error("a name without escapes"),
                _ => self.at += 1,
            }
        }
        self.error("the closing `\"` of this text")
    }

    /// A string, escapes included.
    pub(crate) fn text(&mut self) -> Parsed<String> {
        let start = {
            self.peek();
            self.at
        };
        self.expect(b'"')?;
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return serde_json::from_slice(&self.line[start..self.at])
                        .map_err(|_| self.error_at(start, "a JSON text"));
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at = self.line.len();
        self.error("the closing `\"` of this text")
    }
}
