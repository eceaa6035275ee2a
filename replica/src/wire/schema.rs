//! Key schemas, attribute definitions and indexes of `CreateTable`: their shapes, and that they agree with each other.

use serde::Deserialize;

use super::constraint::Constraints;
use super::item::shown_list;
use super::scalar::Text;
use super::table::Throughput;
use crate::core::{ApiError, Billing, IndexDefinition, IndexProjection, KeySchema, KeyType};

/// `AttributeDefinition`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition<'a> {
    #[serde(borrow)]
    attribute_name: Option<Text<'a>>,
    #[serde(borrow)]
    attribute_type: Option<Text<'a>>,
}

/// `KeySchemaElement`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Element<'a> {
    #[serde(borrow)]
    attribute_name: Option<Text<'a>>,
    #[serde(borrow)]
    key_type: Option<Text<'a>>,
}

/// `LocalSecondaryIndex` and `GlobalSecondaryIndex`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Index<'a> {
    #[serde(borrow)]
    index_name: Option<Text<'a>>,
    #[serde(borrow)]
    key_schema: Option<Vec<Element<'a>>>,
    #[serde(borrow)]
    projection: Option<Projected<'a>>,
    provisioned_throughput: Option<Throughput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projected<'a> {
    #[serde(borrow)]
    projection_type: Option<Text<'a>>,
    #[serde(borrow)]
    non_key_attributes: Option<Vec<Text<'a>>>,
}

const TYPES: [(&str, KeyType); 3] = [("B", KeyType::B), ("N", KeyType::N), ("S", KeyType::S)];

fn invalid(reason: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {reason}"
    ))
}

/// The constraints on `AttributeDefinitions`.
pub(super) fn definition_constraints(
    constraints: &mut Constraints,
    definitions: Option<&[Definition<'_>]>,
) {
    constraints.required(definitions.as_ref(), "attributeDefinitions");
    for (index, definition) in definitions.unwrap_or_default().iter().enumerate() {
        let path = format!("attributeDefinitions.{}.member", index + 1);
        constraints.required(
            definition.attribute_name.as_ref(),
            &format!("{path}.attributeName"),
        );
        let path = format!("{path}.attributeType");
        constraints.required(definition.attribute_type.as_ref(), &path);
        constraints.word(definition.attribute_type.as_ref(), &path, &TYPES);
    }
}

/// The constraints on a `KeySchema`.
pub(super) fn key_constraints(
    constraints: &mut Constraints,
    schema: Option<&[Element<'_>]>,
    path: &str,
) {
    constraints.required(schema.as_ref(), path);
    let Some(schema) = schema else {
        return;
    };
    constraints.length(
        &format!("[{} elements]", schema.len()),
        schema.len(),
        path,
        2,
    );
    for (index, element) in schema.iter().enumerate() {
        let path = format!("{path}.{}.member", index + 1);
        constraints.required(
            element.attribute_name.as_ref(),
            &format!("{path}.attributeName"),
        );
        let path = format!("{path}.keyType");
        constraints.required(element.key_type.as_ref(), &path);
        constraints.word(
            element.key_type.as_ref(),
            &path,
            &[("HASH", ()), ("RANGE", ())],
        );
    }
}

impl Index<'_> {
    /// The constraints of the model.
    pub(super) fn constraints(&self, constraints: &mut Constraints, path: &str) {
        constraints.name(self.index_name.as_ref(), &format!("{path}.indexName"));
        key_constraints(
            constraints,
            self.key_schema.as_deref(),
            &format!("{path}.keySchema"),
        );
        constraints.required(self.projection.as_ref(), &format!("{path}.projection"));
        if let Some(projection) = &self.projection {
            let words = [("ALL", ()), ("INCLUDE", ()), ("KEYS_ONLY", ())];
            let path = format!("{path}.projection");
            let kind = projection.projection_type.as_ref();
            constraints.word(kind, &format!("{path}.projectionType"), &words);
            if let Some(names) = &projection.non_key_attributes {
                let path = format!("{path}.nonKeyAttributes");
                constraints.length(&shown_list(names), names.len(), &path, usize::MAX);
            }
        }
        if let Some(throughput) = &self.provisioned_throughput {
            throughput.constraints(constraints, &format!("{path}.provisionedThroughput"));
        }
    }

    fn name(&self) -> &str {
        text(self.index_name.as_ref())
    }

    fn projection(&self) -> Result<IndexProjection, ApiError> {
        let projection = self
            .projection
            .as_ref()
            .expect("the constraints were checked");
        let kind = projection.projection_type.as_ref().map(Text::as_str);
        let names = &projection.non_key_attributes;
        match (kind, names) {
            (None, _) => Err(invalid("Unknown ProjectionType: null")),
            (Some("INCLUDE"), Some(names)) => Ok(IndexProjection::Include(
                names.iter().map(|name| name.as_str().to_owned()).collect(),
            )),
            (Some("INCLUDE"), None) => Err(invalid(
                "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            )),
            (Some(kind), Some(_)) => Err(invalid(format!(
                "ProjectionType is {kind}, but NonKeyAttributes is specified"
            ))),
            (Some("ALL"), None) => Ok(IndexProjection::All),
            (Some(_), None) => Ok(IndexProjection::KeysOnly),
        }
    }
}

fn text<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", Text::as_str)
}

/// Names as messages list them.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn element_names<'a>(schema: &'a [Element<'_>]) -> impl Iterator<Item = &'a str> {
    schema
        .iter()
        .map(|element| text(element.attribute_name.as_ref()))
}

fn definition_names<'a>(definitions: &'a [Definition<'_>]) -> impl Iterator<Item = &'a str> {
    definitions
        .iter()
        .map(|definition| text(definition.attribute_name.as_ref()))
}

/// The table's own keys.
pub(super) fn table_keys(
    schema: &[Element<'_>],
    definitions: &[Definition<'_>],
) -> Result<KeySchema, ApiError> {
    if schema.len() > definitions.len() {
        return Err(ApiError::validation(
            "Invalid KeySchema: Some index key attribute have no definition",
        ));
    }
    keys(schema, definitions)
}

fn keys(schema: &[Element<'_>], definitions: &[Definition<'_>]) -> Result<KeySchema, ApiError> {
    let names: Vec<&str> = element_names(schema).collect();
    let type_of = |name: &str| {
        let definition = definitions
            .iter()
            .find(|definition| text(definition.attribute_name.as_ref()) == name)?;
        let kind = text(definition.attribute_type.as_ref());
        TYPES
            .iter()
            .find(|(word, _)| *word == kind)
            .map(|(_, kind)| *kind)
    };
    let mut keyed = Vec::with_capacity(2);
    for name in &names {
        let kind = type_of(name).ok_or_else(|| {
            invalid(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
                listed(names.iter().copied()),
                listed(definition_names(definitions))
            ))
        })?;
        keyed.push(((*name).to_owned(), kind));
    }
    if names.len() == 2 && names[0] == names[1] {
        return Err(ApiError::validation(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    for (element, (place, expected)) in schema.iter().zip([("first", "HASH"), ("second", "RANGE")])
    {
        if text(element.key_type.as_ref()) != expected {
            return Err(ApiError::validation(format!(
                "Invalid KeySchema: The {place} KeySchemaElement is not a {expected} key type"
            )));
        }
    }
    let mut keyed = keyed.into_iter();
    let partition = keyed.next().expect("the constraints demand one key");
    Ok(KeySchema {
        partition,
        sort: keyed.next(),
    })
}

/// Without indexes every definition must be a key.
pub(super) fn check_exact(
    schema: &[Element<'_>],
    definitions: &[Definition<'_>],
) -> Result<(), ApiError> {
    if schema.len() == definitions.len() {
        return Ok(());
    }
    Err(invalid(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
    ))
}

/// With indexes every definition must be a key of something.
pub(super) fn check_all_used(
    keys: &KeySchema,
    local: &[IndexDefinition],
    global: &[IndexDefinition],
    definitions: &[Definition<'_>],
) -> Result<(), ApiError> {
    let mut used: Vec<&str> = Vec::new();
    let schemas = std::iter::once(keys).chain(local.iter().chain(global).map(|index| &index.keys));
    for name in schemas.flat_map(KeySchema::names) {
        if !used.contains(&name) {
            used.push(name);
        }
    }
    if used.len() == definitions.len() {
        return Ok(());
    }
    Err(invalid(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        listed(definition_names(definitions)),
        listed(used)
    )))
}

/// `LocalSecondaryIndexes`.
pub(super) fn local_indexes(
    indexes: Option<&[Index<'_>]>,
    table: &KeySchema,
    definitions: &[Definition<'_>],
) -> Result<Vec<IndexDefinition>, ApiError> {
    let Some(indexes) = indexes else {
        return Ok(Vec::new());
    };
    if indexes.is_empty() {
        return Err(invalid("List of LocalSecondaryIndexes is empty"));
    }
    if table.sort.is_none() {
        return Err(invalid(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ));
    }
    let mut made: Vec<IndexDefinition> = Vec::with_capacity(indexes.len());
    for index in indexes {
        let name = index.name();
        let keys = keys(index.key_schema.as_deref().unwrap_or_default(), definitions)?;
        if keys.sort.is_none() {
            return Err(invalid(format!(
                "Index KeySchema does not have a range key for index: {name}"
            )));
        }
        if keys.partition.0 != table.partition.0 {
            return Err(invalid(format!(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash key: {}, table hash key: {}",
                keys.partition.0, table.partition.0
            )));
        }
        let projection = index.projection()?;
        check_new(name, made.iter().map(|index| index.name.as_str()))?;
        made.push(IndexDefinition {
            name: name.to_owned(),
            keys,
            projection,
            billing: None,
        });
    }
    if made.len() > 5 {
        return Err(invalid(
            "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
        ));
    }
    Ok(made)
}

/// `GlobalSecondaryIndexes`.
pub(super) fn global_indexes(
    indexes: Option<&[Index<'_>]>,
    definitions: &[Definition<'_>],
    billing: Billing,
    taken: &[&str],
) -> Result<Vec<IndexDefinition>, ApiError> {
    let Some(indexes) = indexes else {
        return Ok(Vec::new());
    };
    if indexes.is_empty() {
        return Err(invalid("List of GlobalSecondaryIndexes is empty"));
    }
    let mut made: Vec<IndexDefinition> = Vec::with_capacity(indexes.len());
    for index in indexes {
        let name = index.name();
        let keys = keys(index.key_schema.as_deref().unwrap_or_default(), definitions)?;
        let projection = index.projection()?;
        let billing = match (billing, index.provisioned_throughput) {
            (Billing::PayPerRequest, None) => None,
            (Billing::PayPerRequest, Some(_)) => {
                return Err(invalid(format!(
                    "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
                )));
            }
            (Billing::Provisioned { .. }, Some(throughput)) => Some(throughput.billing()?),
            (Billing::Provisioned { .. }, None) => {
                return Err(invalid(format!(
                    "ProvisionedThroughput is not specified for index: {name}"
                )));
            }
        };
        check_new(
            name,
            taken
                .iter()
                .copied()
                .chain(made.iter().map(|index| index.name.as_str())),
        )?;
        made.push(IndexDefinition {
            name: name.to_owned(),
            keys,
            projection,
            billing,
        });
    }
    if made.len() > 20 {
        return Err(invalid(
            "GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ));
    }
    Ok(made)
}

fn check_new<'a>(name: &str, mut taken: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    if taken.any(|other| other == name) {
        return Err(invalid(format!("Duplicate index name: {name}")));
    }
    Ok(())
}
