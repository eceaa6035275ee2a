//! What tables and global tables look like: `DescribeTable`, `ListTables`, `DescribeGlobalTable`, `ListGlobalTables`, names and labels.

use std::ops::Bound;

use super::group::{GlobalVersion, Group};
use super::table::{Table, no_such_table_named};
use super::{
    ApiError, Core, ErrorKind, GlobalTableDescription, GlobalTableStatus, Region, Response,
    TableDescription, TableStatus,
};

impl Core {
    /// `DescribeTable`.
    pub(super) fn describe_table(&self, name: &str) -> Result<(Response, u64), ApiError> {
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| no_such_table_named(name))?;
        let status = if table.row.is_filling {
            TableStatus::Creating
        } else {
            TableStatus::Active
        };
        Ok((
            Response::Table(self.description(table, status)),
            table.commit,
        ))
    }

    /// `ListTables`.
    pub(super) fn list_tables(&self, after: Option<&str>, limit: usize) -> Response {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self
            .tables
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(name, _)| name);
        let (names, last) = page(names.cloned(), limit, String::clone);
        Response::ListTables { names, last }
    }

    /// `DescribeGlobalTable`.
    pub(super) fn describe_global_table(&self, name: &str) -> Result<Response, ApiError> {
        let group = self.global_table(name)?;
        let status = if self.is_coordinating(name) {
            GlobalTableStatus::Updating
        } else {
            GlobalTableStatus::Active
        };
        Ok(Response::GlobalTable(
            self.global_description(group, status),
        ))
    }

    /// `ListGlobalTables`: all, or those that have a replica in a region.
    pub(super) fn list_global_tables(
        &self,
        after: Option<&str>,
        limit: usize,
        region: Option<&Region>,
    ) -> Response {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tables = self
            .groups
            .range::<str, _>((start, Bound::Unbounded))
            .filter(|(_, group)| is_legacy(group))
            .map(|(name, group)| (name.clone(), members(group)))
            .filter(|(_, members)| match region {
                Some(region) => members.contains(region),
                None => !members.is_empty(),
            });
        let (tables, last) = page(tables, limit, |(name, _)| name.clone());
        Response::ListGlobalTables { tables, last }
    }

    /// A global table that has members.
    pub(super) fn global_table(&self, name: &str) -> Result<&Group, ApiError> {
        self.groups
            .get(name)
            .filter(|group| is_legacy(group) && group.present().next().is_some())
            .ok_or_else(|| {
                ApiError::new(
                    ErrorKind::GlobalTableNotFound,
                    format!("Global table with name '{name}' does not exist."),
                )
            })
    }

    /// `GlobalTableDescription`.
    pub(super) fn global_description(
        &self,
        group: &Group,
        status: GlobalTableStatus,
    ) -> GlobalTableDescription {
        GlobalTableDescription {
            name: group.name.clone(),
            arn: format!(
                "arn:aws:dynamodb::{}:global-table/{}",
                self.config.account, group.name
            ),
            created_ms: group.created.time_us / 1000,
            status,
            replicas: members(group),
        }
    }

    /// `TableDescription`.
    pub(super) fn description(&self, table: &Table, status: TableStatus) -> TableDescription {
        let arn = format!(
            "arn:aws:dynamodb:{}:{}:table/{}",
            self.config.region,
            self.config.account,
            table.name()
        );
        let stream = table.row.stream_label.as_ref();
        let stream = stream.map(|label| (format!("{arn}/stream/{label}"), label.clone()));
        TableDescription {
            definition: table.row.definition.clone(),
            status,
            created_ms: table.row.created_ms,
            id: table.row.id.clone(),
            arn,
            item_count: u64::try_from(table.count.items).unwrap_or(0),
            size_bytes: u64::try_from(table.count.bytes).unwrap_or(0),
            stream,
            decreases_today: table.row.decreases,
            replicas: self.replica_statuses(table.name()),
        }
    }
}

/// The API of version 2017.11.29 knows no other global tables.
fn is_legacy(group: &Group) -> bool {
    group.version == GlobalVersion::Legacy
}

fn members(group: &Group) -> Vec<Region> {
    group.present().map(|(region, _)| region.clone()).collect()
}

/// The first `limit`, and the name of the last of them when there are more.
fn page<T>(
    mut all: impl Iterator<Item = T>,
    limit: usize,
    name: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let page: Vec<T> = all.by_ref().take(limit).collect();
    let last = all.next().and(page.last()).map(name);
    (page, last)
}

/// A stream's label: the time of its enabling, ISO 8601 with milliseconds and no zone.
pub(super) fn label(wall_ms: i64) -> String {
    let (day, ms) = (
        wall_ms.div_euclid(86_400_000),
        wall_ms.rem_euclid(86_400_000),
    );
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}",
        ms % 1000
    )
}

/// The civil date of a day since the epoch (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_dates() {
        insta::assert_snapshot!(label(1_431_379_293_291), @"2015-05-11T21:21:33.291");
        insta::assert_snapshot!(label(951_782_400_000), @"2000-02-29T00:00:00.000");
    }
}
