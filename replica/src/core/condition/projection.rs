//! Projections: the parts of an item that paths name, in the item's own shape.

use std::collections::BTreeMap;

use super::invalid;
use super::parse::Parser;
use super::path::{Path, Step};
use super::placeholders::Placeholders;
use crate::core::{ApiError, AttributeValue, Item};

/// A parsed `ProjectionExpression`, as a tree of what to keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    attributes: BTreeMap<String, Part>,
}

/// How much of a value to keep.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Whole,
    Fields(BTreeMap<String, Part>),
    Elements(BTreeMap<usize, Part>),
}

impl Projection {
    /// Parses a `ProjectionExpression`.
    ///
    /// # Errors
    /// `ValidationException` with AWS's text.
    pub fn parse(source: &str, placeholders: &mut Placeholders) -> Result<Self, ApiError> {
        let parsed = Parser::new(source, placeholders).and_then(|mut parser| {
            let mut paths = vec![parser.path()?];
            while parser.tokens.take_symbol(",") {
                paths.push(parser.path()?);
            }
            parser.check_clashes(paths.iter());
            parser.finish()?;
            Ok(Self::of(&paths))
        });
        parsed.map_err(|reason| invalid("ProjectionExpression", &reason))
    }

    /// The whole of each of these attributes, as `AttributesToGet` asks for.
    #[must_use]
    pub fn of_attributes(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            attributes: names.into_iter().map(|name| (name, Part::Whole)).collect(),
        }
    }

    /// What these paths name; they must not clash.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut projection = Self::default();
        for path in paths {
            insert(
                &mut projection.attributes,
                path.attribute.clone(),
                &path.steps,
            );
        }
        projection
    }

    /// The parts of the item that it names. Elements of a list close ranks.
    #[must_use]
    pub fn project(&self, item: &Item) -> Item {
        keep(&self.attributes, item)
    }
}

fn insert<K: Ord>(parts: &mut BTreeMap<K, Part>, key: K, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        parts.insert(key, Part::Whole);
        return;
    };
    match step {
        Step::Field(name) => {
            let part = parts
                .entry(key)
                .or_insert_with(|| Part::Fields(BTreeMap::new()));
            if let Part::Fields(fields) = part {
                insert(fields, name.clone(), rest);
            }
        }
        Step::Index(index) => {
            let part = parts
                .entry(key)
                .or_insert_with(|| Part::Elements(BTreeMap::new()));
            if let Part::Elements(elements) = part {
                insert(elements, *index, rest);
            }
        }
    }
}

fn keep(parts: &BTreeMap<String, Part>, item: &Item) -> Item {
    parts
        .iter()
        .filter_map(|(name, part)| Some((name.clone(), keep_part(part, item.get(name)?)?)))
        .collect()
}

fn keep_part(part: &Part, value: &AttributeValue) -> Option<AttributeValue> {
    match (part, value) {
        (Part::Whole, value) => Some(value.clone()),
        (Part::Fields(fields), AttributeValue::M(map)) => Some(keep(fields, map))
            .filter(|kept| !kept.is_empty())
            .map(AttributeValue::M),
        (Part::Elements(elements), AttributeValue::L(list)) => {
            let kept: Vec<AttributeValue> = elements
                .iter()
                .filter_map(|(index, part)| keep_part(part, list.get(*index)?))
                .collect();
            Some(kept)
                .filter(|kept| !kept.is_empty())
                .map(AttributeValue::L)
        }
        (Part::Fields(_) | Part::Elements(_), _) => None,
    }
}
