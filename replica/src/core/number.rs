//! DynamoDB numbers: 38 significant digits, magnitudes from 1E-130 to 9.99…E+125, exact decimal arithmetic.
//!
//! A number is kept as its canonical decimal text, which is what AWS returns. Its [sort key](Number::sort_key) is a fixed-width byte string
//! that compares like the number, so that a number can be part of a row key. Range and precision are checked here, before anything else
//! sees the text: what is inside a [`Number`] is always storable.

use std::cmp::Ordering;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use serde::{Deserialize, Serialize};

use super::ApiError;

#[cfg(test)]
mod tests;

/// Most significant digits.
const DIGITS_MAX: usize = 38;
/// The greatest exponent of the leading digit.
const EXPONENT_MAX: i64 = 125;
/// The least exponent of the leading digit.
const EXPONENT_MIN: i64 = -130;

/// A number in canonical decimal text: no sign on zero, no leading or trailing zeros, at most 38 significant digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub(super) String);

/// A fixed-width byte string that compares like the number it was made of.
pub type NumberKey = [u8; 21];

/// A number taken apart: the value is `0.d1d2d3… × 10^(exponent + 1)`, with `d1` not zero.
struct Parts<'a> {
    negative: bool,
    /// Exponent of the first digit.
    exponent: i64,
    /// Digits before the point, then those after it, without the zeros around them.
    digits: (&'a [u8], &'a [u8]),
}

impl Parts<'_> {
    fn count(&self) -> usize {
        self.digits.0.len() + self.digits.1.len()
    }

    fn each(&self) -> impl Iterator<Item = u8> + '_ {
        self.digits.0.iter().chain(self.digits.1).copied()
    }
}

impl Number {
    /// Reads a number as clients write it: `-12.5e3`, `+007`, `.5`.
    ///
    /// # Errors
    /// `ValidationException` with AWS's text when it is no number, out of range, or has more than 38 significant digits.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if is_plain_integer(text) {
            return Ok(Self(text.to_owned()));
        }
        if text.is_empty() {
            return Err(ApiError::validation(
                "The parameter cannot be converted to a numeric value",
            ));
        }
        let (mantissa, exponent) = split_exponent(text).ok_or_else(|| not_numeric(text))?;
        let Some(mut parts) = take_apart(mantissa).ok_or_else(|| not_numeric(text))? else {
            return Ok(Self("0".to_owned()));
        };
        parts.exponent = parts.exponent.saturating_add(exponent);
        if parts.exponent > EXPONENT_MAX {
            return Err(ApiError::validation(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            ));
        }
        if parts.exponent < EXPONENT_MIN {
            return Err(ApiError::validation(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            ));
        }
        if parts.count() > DIGITS_MAX {
            return Err(ApiError::validation(
                "Attempting to store more than 38 significant digits in a Number",
            ));
        }
        Ok(Self(canonical(&parts)))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many significant digits it has; 1 for zero.
    #[must_use]
    pub fn digits(&self) -> usize {
        take_apart(&self.0)
            .flatten()
            .map_or(1, |parts| parts.count())
    }

    /// The order-preserving bytes: sign class, exponent, digits in pairs. A negative number has all but the class inverted.
    #[must_use]
    pub fn sort_key(&self) -> NumberKey {
        let mut key = [0; 21];
        let Some(parts) = take_apart(&self.0).flatten() else {
            key[0] = 1;
            return key;
        };
        key[0] = 2;
        key[1] = u8::try_from(parts.exponent - EXPONENT_MIN)
            .expect("the exponents of a Number span 256 values");
        for (index, digit) in parts.each().enumerate() {
            let weight = if index % 2 == 0 { 10 } else { 1 };
            key[2 + index / 2] += (digit - b'0') * weight;
        }
        if parts.negative {
            key[0] = 0;
            for byte in &mut key[1..] {
                *byte = !*byte;
            }
        }
        key
    }

    /// The sum.
    ///
    /// # Errors
    /// `ValidationException` when the result is out of range or needs more than 38 digits.
    pub fn add(&self, other: &Self) -> Result<Self, ApiError> {
        Self::parse(&(self.decimal() + other.decimal()).to_plain_string())
    }

    /// The difference.
    ///
    /// # Errors
    /// `ValidationException` when the result is out of range or needs more than 38 digits.
    pub fn subtract(&self, other: &Self) -> Result<Self, ApiError> {
        Self::parse(&(self.decimal() - other.decimal()).to_plain_string())
    }

    fn decimal(&self) -> BigDecimal {
        BigDecimal::from_str(&self.0).expect("canonical text is a decimal")
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether the text is canonical as it stands; the common case, which then needs no more work.
fn is_plain_integer(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    (1..=18).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && (digits[0] != b'0' || bytes.len() == 1)
}

fn not_numeric(text: &str) -> ApiError {
    ApiError::validation(format!(
        "The parameter cannot be converted to a numeric value: {text}"
    ))
}

/// The text before `e`, and the exponent after it (0 without one; held within ±10^9, far outside the range anyway).
fn split_exponent(text: &str) -> Option<(&str, i64)> {
    let Some(at) = text.find(['e', 'E']) else {
        return Some((text, 0));
    };
    let exponent = &text[at + 1..];
    let (negative, digits) = match exponent.as_bytes().first()? {
        b'-' => (true, &exponent[1..]),
        b'+' => (false, &exponent[1..]),
        _ => (false, exponent),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.bytes().fold(0_i64, |sum, digit| {
        (sum * 10 + i64::from(digit - b'0')).min(1_000_000_000)
    });
    Some((&text[..at], if negative { -magnitude } else { magnitude }))
}

/// Takes a decimal without exponent apart: `None` when it is no decimal, `Some(None)` when it is zero.
fn take_apart(text: &str) -> Option<Option<Parts<'_>>> {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let (whole, fraction) = match bytes.iter().position(|byte| *byte == b'.') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    if whole.len() + fraction.len() == 0 || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let whole = without_leading_zeros(whole);
    let fraction = without_trailing_zeros(fraction);
    let length = |digits: &[u8]| i64::try_from(digits.len()).expect("a slice fits in i64");
    if !whole.is_empty() {
        let shown = if fraction.is_empty() {
            without_trailing_zeros(whole)
        } else {
            whole
        };
        return Some(Some(Parts {
            negative,
            exponent: length(whole) - 1,
            digits: (shown, fraction),
        }));
    }
    let shown = without_leading_zeros(fraction);
    if shown.is_empty() {
        return Some(None);
    }
    Some(Some(Parts {
        negative,
        exponent: length(shown) - length(fraction) - 1,
        digits: (&[], shown),
    }))
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

fn without_trailing_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits
        .iter()
        .rev()
        .take_while(|digit| **digit == b'0')
        .count();
    &digits[..digits.len() - zeros]
}

/// Plain decimal text, without an exponent, as AWS returns it.
fn canonical(parts: &Parts<'_>) -> String {
    let mut text = String::with_capacity(DIGITS_MAX + 4);
    if parts.negative {
        text.push('-');
    }
    let mut digits = parts.each().map(char::from);
    if parts.exponent < 0 {
        text.push_str("0.");
        text.extend((parts.exponent + 1..0).map(|_| '0'));
        text.extend(digits);
        return text;
    }
    text.extend((0..=parts.exponent).map(|_| digits.next().unwrap_or('0')));
    let mut digits = digits.peekable();
    if digits.peek().is_some() {
        text.push('.');
        text.extend(digits);
    }
    text
}
