//! The leaves of a request: strings, truth values, whole numbers, bytes. Each refuses a JSON value of another type in AWS's words.
//!
//! AWS reports a wrong JSON type as `SerializationException`. serde's errors carry only text, so our texts are marked with [`MARK`] to tell them
//! from serde's own; [`super::serialization_error`] takes the mark off.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Starts an error text that is AWS's.
pub(super) const MARK: char = '\u{1}';

/// An error whose text is AWS's.
pub(super) fn refusal<E: Error>(text: impl fmt::Display) -> E {
    E::custom(format_args!("{MARK}{text}"))
}

const STRUCTURE: &str = "Start of structure or map found where not expected";

/// A string, borrowed from the body unless it has escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// A truth value; `"true"`, `"1"` and `"yes"` pass for one too, as at AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

/// A whole number; fractions are cut off, as at AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub(super) i64);

/// Bytes, in base64 on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                let token = if value { "TRUE" } else { "FALSE" };
                Err(refusal(format_args!(
                    "{token}_VALUE cannot be converted to String"
                )))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Err(refusal("NUMBER_VALUE cannot be converted to String"))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Err(refusal("NUMBER_VALUE cannot be converted to String"))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Err(refusal("DECIMAL_VALUE cannot be converted to String"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(refusal(
                    "Unrecognized collection type class java.lang.String",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(refusal(STRUCTURE))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Flag;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a truth value")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text.to_ascii_uppercase().as_str() {
                    "TRUE" | "1" | "YES" => Ok(Flag(true)),
                    "FALSE" | "0" | "NO" => Ok(Flag(false)),
                    _ => Err(refusal("Unexpected token received from parser")),
                }
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Flag, E> {
                Err(refusal("NUMBER_VALUE cannot be converted to Boolean"))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Flag, E> {
                Err(refusal("NUMBER_VALUE cannot be converted to Boolean"))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Flag, E> {
                Err(refusal("DECIMAL_VALUE cannot be converted to Boolean"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Flag, A::Error> {
                Err(refusal(
                    "Unrecognized collection type class java.lang.Boolean",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Flag, A::Error> {
                Err(refusal(STRUCTURE))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Whole;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(i64::try_from(value).unwrap_or(i64::MAX)))
            }

            #[expect(
                clippy::cast_possible_truncation,
                reason = "the cast saturates, as it should"
            )]
            fn visit_f64<E: Error>(self, value: f64) -> Result<Whole, E> {
                Ok(Whole(value.floor() as i64))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Whole, E> {
                let token = if value { "TRUE" } else { "FALSE" };
                Err(refusal(format_args!(
                    "{token}_VALUE cannot be converted to Long"
                )))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Whole, E> {
                Err(refusal("STRING_VALUE cannot be converted to Long"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Whole, A::Error> {
                Err(refusal("Unrecognized collection type class java.lang.Long"))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Whole, A::Error> {
                Err(refusal(STRUCTURE))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Blob;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("base64 text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
                if !text.len().is_multiple_of(4) {
                    return Err(refusal(format_args!(
                        "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
                        text.len()
                    )));
                }
                // The misspelling is AWS's.
                STANDARD
                    .decode(text)
                    .map(Blob)
                    .map_err(|_| refusal("Invalid last non-pad Base64 character dectected"))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Blob, E> {
                Err(refusal(ONLY_BASE64))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Blob, E> {
                Err(refusal(ONLY_BASE64))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Blob, E> {
                Err(refusal(ONLY_BASE64))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Blob, E> {
                Err(refusal(ONLY_BASE64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Blob, A::Error> {
                Err(refusal(
                    "Unrecognized collection type class java.nio.ByteBuffer",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Blob, A::Error> {
                Err(refusal(STRUCTURE))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

const ONLY_BASE64: &str = "only base-64-encoded strings are convertible to bytes";
