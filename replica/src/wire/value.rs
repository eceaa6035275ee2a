//! Attribute values off the wire, straight into [`AttributeValue`]: no tree in between.
//!
//! What is wrong with a value itself (a number out of range, a set with duplicates) is told only after the shape and the constraints of the whole
//! request were found good. So a value is read together with its first [`Problem`], and the request decides when to tell it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::scalar::{Blob, Flag, Text, refusal};
use crate::core::value::NESTING_MAX;
use crate::core::{ApiError, AttributeValue, Item, Number};

/// The first thing wrong with what was read.
#[derive(Debug, Default)]
struct Problem(RefCell<Option<String>>);

impl Problem {
    fn note(&self, text: impl Into<String>) {
        self.0.borrow_mut().get_or_insert_with(|| text.into());
    }
}

/// One value and what is wrong with it.
#[derive(Debug)]
pub(super) struct Checked {
    value: AttributeValue,
    problem: Option<String>,
}

impl Checked {
    /// The value, or what is wrong with it.
    pub(super) fn get(self) -> Result<AttributeValue, String> {
        self.problem.map_or(Ok(self.value), Err)
    }
}

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let problem = Problem::default();
        let value = Value {
            problem: &problem,
            depth: 0,
        }
        .deserialize(deserializer)?;
        Ok(Self {
            value,
            problem: problem.0.into_inner(),
        })
    }
}

/// A map of values by attribute name, and what is wrong with the first bad one.
#[derive(Debug)]
pub(super) struct Attributes {
    item: Item,
    problem: Option<String>,
}

impl Attributes {
    /// The attributes, or what is wrong with them.
    pub(super) fn get(self) -> Result<Item, ApiError> {
        match self.problem {
            None => Ok(self.item),
            Some(text) => Err(ApiError::validation(text)),
        }
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let problem = Problem::default();
        let item = Map {
            problem: &problem,
            depth: 0,
        }
        .deserialize(deserializer)?;
        Ok(Self {
            item,
            problem: problem.0.into_inner(),
        })
    }
}

/// A JSON object as pairs, in the order of the text.
#[derive(Debug)]
pub(super) struct Pairs<V>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Visit<V> {
            type Value = Pairs<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Vec<(String, V)> = Vec::new();
                while let Some(entry) = map.next_entry::<String, V>()? {
                    pairs.push(entry);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visit(std::marker::PhantomData))
    }
}

/// Reads a map of values.
struct Map<'p> {
    problem: &'p Problem,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Map<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Map<'_> {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of attribute values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Value {
                problem: self.problem,
                depth: self.depth,
            })?;
            item.insert(name, value);
        }
        Ok(item)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Item, A::Error> {
        Err(refusal(
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ))
    }
}

/// Reads a list of values.
struct List<'p> {
    problem: &'p Problem,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<AttributeValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<AttributeValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of attribute values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(Value {
            problem: self.problem,
            depth: self.depth,
        })? {
            list.push(value);
        }
        Ok(list)
    }
}

/// Reads one value: `{"S": "text"}`.
struct Value<'p> {
    problem: &'p Problem,
    /// How many maps and lists it is in.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = AttributeValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = AttributeValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Option<AttributeValue> = None;
        while let Some(Text(name)) = map.next_key()? {
            let Some(value) = self.member(&name, &mut map)? else {
                continue;
            };
            if found.replace(value).is_some() {
                self.problem.note("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
            }
        }
        Ok(found.unwrap_or_else(|| {
            self.problem.note("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
            AttributeValue::Null
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(refusal(
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
        ))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.problem.note(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        );
        Ok(AttributeValue::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(refusal("Unexpected value type in payload"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(refusal("Unexpected value type in payload"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(refusal("Unexpected value type in payload"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(refusal("Unexpected value type in payload"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(refusal("Unexpected value type in payload"))
    }
}

impl Value<'_> {
    /// One member of the value's object; `None` when it is null or unknown.
    fn member<'de, A: MapAccess<'de>>(
        &self,
        name: &str,
        map: &mut A,
    ) -> Result<Option<AttributeValue>, A::Error> {
        Ok(match name {
            "S" => map
                .next_value::<Option<Text<'_>>>()?
                .map(|text| AttributeValue::S(text.into_string())),
            "N" => map
                .next_value::<Option<Text<'_>>>()?
                .map(|text| AttributeValue::N(self.number(&text.0))),
            "B" => map
                .next_value::<Option<Blob>>()?
                .map(|blob| AttributeValue::B(blob.0)),
            "BOOL" => map
                .next_value::<Option<Flag>>()?
                .map(|flag| AttributeValue::Bool(flag.0)),
            "NULL" => map
                .next_value::<Option<Flag>>()?
                .map(|flag| self.null(flag)),
            "SS" => map
                .next_value::<Option<Vec<Text<'_>>>>()?
                .map(|texts| self.strings(texts)),
            "NS" => map
                .next_value::<Option<Vec<Text<'_>>>>()?
                .map(|texts| self.numbers(&texts)),
            "BS" => map
                .next_value::<Option<Vec<Blob>>>()?
                .map(|blobs| self.blobs(blobs)),
            "M" => map
                .next_value_seed(Nullable(Map {
                    problem: self.problem,
                    depth: self.inner_depth(),
                }))?
                .map(AttributeValue::M),
            "L" => map
                .next_value_seed(Nullable(List {
                    problem: self.problem,
                    depth: self.inner_depth(),
                }))?
                .map(AttributeValue::L),
            _ => {
                map.next_value::<IgnoredAny>()?;
                None
            }
        })
    }

    fn inner_depth(&self) -> usize {
        let depth = self.depth + 1;
        if depth > NESTING_MAX {
            self.problem
                .note("Nesting Levels have exceeded supported limits");
        }
        depth
    }

    fn number(&self, text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|error| {
            self.problem.note(error.message);
            Number::from(0)
        })
    }

    fn null(&self, flag: Flag) -> AttributeValue {
        if !flag.0 {
            self.invalid("Null attribute value types must have the value of true");
        }
        AttributeValue::Null
    }

    fn strings(&self, texts: Vec<Text<'_>>) -> AttributeValue {
        if texts.is_empty() {
            self.invalid("An string set  may not be empty");
        }
        let shown: Vec<&str> = texts.iter().map(Text::as_str).collect();
        let distinct: BTreeSet<&str> = shown.iter().copied().collect();
        if distinct.len() < shown.len() {
            self.invalid(&format!(
                "Input collection [{}] contains duplicates.",
                shown.join(", ")
            ));
        }
        AttributeValue::Ss(texts.into_iter().map(Text::into_string).collect())
    }

    fn numbers(&self, texts: &[Text<'_>]) -> AttributeValue {
        if texts.is_empty() {
            self.invalid("An number set  may not be empty");
        }
        let mut numbers: Vec<Number> = texts.iter().map(|text| self.number(&text.0)).collect();
        numbers.sort_by_cached_key(Number::sort_key);
        numbers.dedup();
        if numbers.len() < texts.len() {
            self.problem.note("Input collection contains duplicates");
        }
        AttributeValue::Ns(numbers)
    }

    fn blobs(&self, blobs: Vec<Blob>) -> AttributeValue {
        if blobs.is_empty() {
            self.invalid("Binary sets should not be empty");
        }
        let count = blobs.len();
        let set: BTreeSet<Vec<u8>> = blobs.iter().map(|blob| blob.0.clone()).collect();
        if set.len() < count {
            let shown: Vec<String> = blobs.iter().map(|blob| STANDARD.encode(&blob.0)).collect();
            self.invalid(&format!(
                "Input collection [{}]of type BS contains duplicates.",
                shown.join(", ")
            ));
        }
        AttributeValue::Bs(set)
    }

    fn invalid(&self, reason: &str) {
        self.problem.note(format!(
            "One or more parameter values were invalid: {reason}"
        ));
    }
}

/// What the seed reads, or null.
struct Nullable<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}
