//! Enough of EDN to read what Jepsen writes: all shapes, tags ignored.

use super::{end_of, syntax};
use crate::history::ndjson::ReadError;

/// One EDN value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edn {
    Nil,
    Bool(bool),
    Int(i64),
    /// A floating-point or other number that is not a 64-bit integer; its text.
    Number(String),
    Text(String),
    /// A keyword without its colon, or a symbol.
    Word(String),
    /// A vector or list.
    List(Vec<Edn>),
    Set(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

impl Edn {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Number(_) => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::Word(_) => "a keyword",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
        }
    }

    /// The value of a keyword in a map.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| matches!(key, Self::Word(w) if w == name))
            .map(|(_, v)| v)
    }
}

/// How deep values may lie in each other; Jepsen's lie a handful deep.
const DEPTH_MAX: u32 = 64;

/// Reads values one after the other, keeping the line.
pub(super) struct EdnReader<'t> {
    text: &'t str,
    at: usize,
    line: u64,
    line_start: usize,
    depth: u32,
}

impl<'t> EdnReader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            line_start: 0,
            depth: 0,
        }
    }

    /// The next byte that means something, and the line it lies on.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                    self.line_start = self.at;
                }
                b' ' | b'\t' | b'\r' | b',' => self.at += 1,
                b';' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                other => return Some(*other),
            }
        }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Takes the opening of a vector or list that holds everything, if there is one; returns how it must end.
    pub(super) fn opening(&mut self) -> Option<u8> {
        let close = match self.peek()? {
            b'[' => b']',
            b'(' => b')',
            _map => return None,
        };
        self.at += 1;
        Some(close)
    }

    /// Whether everything was read: up to the bracket that closes what was opened, and nothing after it.
    pub(super) fn is_over(&mut self, close: Option<u8>) -> Result<bool, ReadError> {
        match (self.peek(), close) {
            (None, None) => Ok(true),
            (None, Some(_)) => Err(self.half_written()),
            (next, close) if next == close => {
                self.at += 1;
                match self.peek() {
                    None => Ok(true),
                    Some(_) => Err(self.error("nothing after the end of the history")),
                }
            }
            (Some(_), _) => Ok(false),
        }
    }

    fn half_written(&self) -> ReadError {
        let (line, column) = end_of(self.text.as_bytes());
        ReadError::HalfWritten { line, column }
    }

    pub(super) fn error(&self, expected: &str) -> ReadError {
        let rest = self
            .text
            .get(self.at..)
            .unwrap_or("")
            .lines()
            .next()
            .unwrap_or("");
        if self.at >= self.text.len() {
            return self.half_written();
        }
        syntax(self.line, self.at - self.line_start + 1, expected, rest)
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Edn, ReadError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("values that lie at most 64 deep"));
        }
        let value = match self.peek() {
            Some(b'[') => Edn::List(self.until(b']')?),
            Some(b'(') => Edn::List(self.until(b')')?),
            Some(b'{') => Edn::Map(self.map()?),
            Some(b'"') => self.quoted()?,
            Some(b'#') => self.tagged()?,
            Some(b']' | b')' | b'}') | None => return Err(self.error("a value")),
            Some(_) => self.word(),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn until(&mut self, close: u8) -> Result<Vec<Edn>, ReadError> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(values);
            }
            values.push(self.value()?);
        }
    }

    fn map(&mut self) -> Result<Vec<(Edn, Edn)>, ReadError> {
        let values = self.until(b'}')?;
        if values.len() % 2 == 1 {
            return Err(self.error("a value for the last key of this map"));
        }
        Ok(values
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect())
    }

    fn tagged(&mut self) -> Result<Edn, ReadError> {
        self.at += 1;
        if self.text.as_bytes().get(self.at) == Some(&b'{') {
            return Ok(Edn::Set(self.until(b'}')?));
        }
        let rest = &self.text[self.at..];
        if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(self.error("a tag"));
        }
        self.word();
        self.value()
    }

    fn quoted(&mut self) -> Result<Edn, ReadError> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.half_written()),
            }
        }
        self.at = end + 1;
        let text = self.text.get(start..end).unwrap_or("");
        self.line += text.matches('\n').count() as u64;
        if let Some(last) = text.rfind('\n') {
            self.line_start = start + last + 1;
        }
        Ok(Edn::Text(text.to_owned()))
    }

    /// Takes everything up to the next space or bracket, at least one character: every call gets further.
    fn word(&mut self) -> Edn {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || ",[](){}\";".contains(c);
        let length = rest.char_indices().skip(1).find(|(_, c)| ends(*c));
        let word = &rest[..length.map_or(rest.len(), |(at, _)| at)];
        self.at += word.len();
        match word {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            _ => match word.trim_end_matches('N').parse() {
                Ok(number) => Edn::Int(number),
                Err(_) if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    Edn::Number(word.to_owned())
                }
                Err(_) => Edn::Word(word.trim_start_matches(':').to_owned()),
            },
        }
    }
}
