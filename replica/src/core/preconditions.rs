//! What must hold of every replica before a region may join a global table (AWS: CreateGlobalTable, UpdateGlobalTable).
//!
//! Where AWS's text is known it is used; where it is not, the error names the region and the setting.

use std::collections::BTreeMap;

use super::message::{Described, DescribedTable};
use super::{ApiError, Billing, ErrorKind, IndexDefinition, KeySchema, Region, StreamView};

/// Checks every replica, old and new, against all preconditions. The first region is what the others are compared with.
pub(super) fn check(name: &str, replicas: &[(Region, Described)]) -> Result<(), ApiError> {
    let mut tables = Vec::with_capacity(replicas.len());
    for (region, described) in replicas {
        let Some(table) = &described.table else {
            return Err(ApiError::new(
                ErrorKind::TableNotFound,
                format!("Table not found: Table: '{name}' not found in region: '{region}'."),
            ));
        };
        tables.push((region, table, &described.account));
    }
    let Some((first, model, account)) = tables.first().copied() else {
        return Ok(());
    };
    for (region, table, its_account) in &tables {
        check_alone(name, region, table)?;
        if *its_account != account {
            return Err(refused(
                name,
                region,
                &format!("belongs to account {its_account}, but that in {first} to {account}"),
            ));
        }
        check_against(name, (first, model), (region, table))?;
    }
    Ok(())
}

fn check_alone(name: &str, region: &Region, table: &DescribedTable) -> Result<(), ApiError> {
    match table.definition.stream {
        Some(StreamView::NewAndOldImages) => {}
        Some(StreamView::KeysOnly | StreamView::NewImage | StreamView::OldImage) => {
            return Err(refused(
                name,
                region,
                "has a stream of another view type than NEW_AND_OLD_IMAGES",
            ));
        }
        None => {
            return Err(refused(
                name,
                region,
                "has no stream enabled (StreamEnabled=true, StreamViewType=NEW_AND_OLD_IMAGES)",
            ));
        }
    }
    if table.empty {
        return Ok(());
    }
    Err(refused(
        name,
        region,
        "is not empty: none of the replicas may contain any data",
    ))
}

fn check_against(
    name: &str,
    (first, model): (&Region, &DescribedTable),
    (region, table): (&Region, &DescribedTable),
) -> Result<(), ApiError> {
    let (model, table) = (&model.definition, &table.definition);
    let differs = |what: &str| {
        Err(refused(
            name,
            region,
            &format!("has {what} than the one in {first}"),
        ))
    };
    if model.keys != table.keys {
        return differs("another key schema");
    }
    if keys_by_name(&model.global_indexes) != keys_by_name(&table.global_indexes) {
        return differs("other global secondary indexes (names and keys must be the same)");
    }
    if keys_by_name(&model.local_indexes) != keys_by_name(&table.local_indexes) {
        return differs("other local secondary indexes (names and keys must be the same)");
    }
    if write_units(Some(model.billing)) != write_units(Some(table.billing)) {
        return differs("another billing mode or other provisioned write capacity units");
    }
    if units_by_name(&model.global_indexes) != units_by_name(&table.global_indexes) {
        return differs("other provisioned write capacity units on a global secondary index");
    }
    Ok(())
}

fn keys_by_name(indexes: &[IndexDefinition]) -> BTreeMap<&str, &KeySchema> {
    indexes
        .iter()
        .map(|index| (index.name.as_str(), &index.keys))
        .collect()
}

fn units_by_name(indexes: &[IndexDefinition]) -> BTreeMap<&str, Option<u64>> {
    indexes
        .iter()
        .map(|index| (index.name.as_str(), write_units(index.billing)))
        .collect()
}

fn write_units(billing: Option<Billing>) -> Option<u64> {
    match billing {
        Some(Billing::Provisioned { write, .. }) => Some(write),
        Some(Billing::PayPerRequest) | None => None,
    }
}

fn refused(name: &str, region: &Region, what: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: Table '{name}' in region '{region}' {what}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{IndexProjection, KeyType, TableDefinition};

    fn described() -> Described {
        let keys = KeySchema {
            partition: ("id".to_owned(), KeyType::S),
            sort: None,
        };
        let definition = TableDefinition {
            name: "t".to_owned(),
            keys,
            billing: Billing::Provisioned { read: 5, write: 5 },
            stream: Some(StreamView::NewAndOldImages),
            global_indexes: Vec::new(),
            local_indexes: Vec::new(),
            deletion_protection: false,
        };
        Described {
            incarnation: 1,
            account: "000000000000".to_owned(),
            head: 0,
            consumed: Vec::new(),
            table: Some(DescribedTable {
                definition,
                empty: true,
                floor_us: 0,
            }),
            group: None,
        }
    }

    type Change = Box<dyn FnOnce(&mut Described)>;

    fn refusal(change: impl FnOnce(&mut Described)) -> ApiError {
        let mut other = described();
        change(&mut other);
        let replicas = [(Region::new("a"), described()), (Region::new("b"), other)];
        check("t", &replicas).unwrap_err()
    }

    fn table(described: &mut Described) -> &mut DescribedTable {
        described.table.as_mut().unwrap()
    }

    #[test]
    fn equal_empty_tables_may_join() {
        let replicas = [
            (Region::new("a"), described()),
            (Region::new("b"), described()),
        ];
        assert_eq!(check("t", &replicas), Ok(()));
    }

    #[test]
    fn a_missing_table_is_named_as_on_aws() {
        let error = refusal(|it| it.table = None);
        assert_eq!(error.kind, ErrorKind::TableNotFound);
        insta::assert_snapshot!(error.message, @"Table not found: Table: 't' not found in region: 'b'.");
    }

    #[test]
    fn every_other_precondition_is_checked_and_names_region_and_setting() {
        let index = |write| IndexDefinition {
            name: "i".to_owned(),
            keys: KeySchema {
                partition: ("g".to_owned(), KeyType::S),
                sort: None,
            },
            projection: IndexProjection::All,
            billing: Some(Billing::Provisioned { read: 1, write }),
        };
        let changes: [(&str, Change); 8] = [
            ("not empty", Box::new(|it| table(it).empty = false)),
            (
                "no stream",
                Box::new(|it| table(it).definition.stream = None),
            ),
            (
                "view type",
                Box::new(|it| table(it).definition.stream = Some(StreamView::KeysOnly)),
            ),
            (
                "key schema",
                Box::new(|it| table(it).definition.keys.partition.1 = KeyType::N),
            ),
            (
                "write capacity",
                Box::new(|it| table(it).definition.billing = Billing::PayPerRequest),
            ),
            (
                "global secondary",
                Box::new(move |it| table(it).definition.global_indexes.push(index(1))),
            ),
            (
                "local secondary",
                Box::new(move |it| table(it).definition.local_indexes.push(index(1))),
            ),
            ("account", Box::new(|it| it.account = "1".to_owned())),
        ];
        for (text, change) in changes {
            let error = refusal(change);
            assert_eq!(error.kind, ErrorKind::Validation);
            assert!(error.message.contains(text), "{}", error.message);
            assert!(error.message.contains("'b'"), "{}", error.message);
        }
    }
}
