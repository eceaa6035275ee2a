//! `CreateTable`, `UpdateTable`, `DeleteTable`.
//!
//! A table is usable as soon as the request is answered; the answers show the passing statuses that AWS shows.

use super::rows::{self, named};
use super::table::{Table, TableRow, no_such_table_named};
use super::{
    ApiError, Billing, Core, Effects, ErrorKind, Now, Response, StreamView, TableDefinition,
    TableStatus, UpdateTable,
};
use crate::store::Write;

const DAY_MS: i64 = 86_400_000;

impl Core {
    /// `CreateTable`.
    pub(super) fn create_table(
        &mut self,
        now: Now,
        definition: TableDefinition,
        effects: &mut Effects,
    ) -> Result<(Response, u64), ApiError> {
        let name = definition.name.clone();
        if self.tables.contains_key(&name) {
            let message = format!("Table already exists: {name}");
            return Err(ApiError::new(ErrorKind::ResourceInUse, message));
        }
        let mut writes = Vec::new();
        let mut table = self.new_table(now, definition, &mut writes);
        table.commit = self.commit(writes, effects);
        let description = self.description(&table, TableStatus::Creating);
        let commit = table.commit;
        self.tables.insert(name, table);
        Ok((Response::TableDescription(description), commit))
    }

    /// A table with a number of its own, and what must be written for it.
    pub(super) fn new_table(
        &mut self,
        now: Now,
        definition: TableDefinition,
        writes: &mut Vec<Write>,
    ) -> Table {
        let number = self.next_table;
        self.next_table += 1;
        let stream = definition
            .stream
            .map(|view| self.streams.begin(now, &definition, view, writes));
        let (stream, stream_label) = stream.unzip();
        let mut table = Table::new(TableRow {
            number,
            id: table_id(self.incarnation, number),
            created_ms: now.wall_ms,
            stream_label,
            ttl: None,
            decreases: 0,
            decreased_day: 0,
            refeed: false,
            is_filling: false,
            definition,
        });
        table.stream = stream;
        writes.extend([self.identity(), table.save()]);
        table
    }

    /// `UpdateTable`.
    pub(super) fn update_table(
        &mut self,
        now: Now,
        update: &UpdateTable,
        effects: &mut Effects,
    ) -> Result<(Response, u64), ApiError> {
        let name = update.table.as_str();
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| no_such_table_named(name))?;
        table.check_created()?;
        let mut row = table.row.clone();
        if let Some(stream) = update.stream {
            check_stream_change(&row, stream, table.is_bound())?;
        }
        if let Some(billing) = update.billing {
            change_billing(now, &mut row, billing)?;
        }
        if let Some(protection) = update.deletion_protection {
            row.definition.deletion_protection = protection;
        }
        let mut writes = Vec::new();
        if let Some(view) = update.stream {
            self.change_stream(now, &mut row, view, &mut writes);
        }
        let table = self.tables.get_mut(name).expect("it was found above");
        table.row = row;
        writes.push(table.save());
        let commit = self.commit(writes, effects);
        let commit = match update.billing {
            Some(_) => commit.max(self.share_settings(now, name, effects)),
            None => commit,
        };
        let table = self.tables.get_mut(name).expect("it was found above");
        table.commit = commit;
        let table = self.tables.get(name).expect("it was found above");
        let description = self.description(table, TableStatus::Updating);
        Ok((Response::TableDescription(description), commit))
    }

    /// `DeleteTable`. The rows go later, in bounded steps.
    pub(super) fn delete_table(
        &mut self,
        now: Now,
        name: &str,
        effects: &mut Effects,
    ) -> Result<(Response, u64), ApiError> {
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| no_such_table_named(name))?;
        if table.row.definition.deletion_protection {
            return Err(ApiError::validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
            ));
        }
        if table.is_bound() {
            return Err(ApiError::validation(format!(
                "One or more parameter values were invalid: Table {name} is a replica of global table {name}: remove {} from it with {} first",
                self.config.region,
                if table.is_stamping() {
                    "UpdateGlobalTable"
                } else {
                    "UpdateTable in another region"
                }
            )));
        }
        let description = self.description(table, TableStatus::Deleting);
        let mut writes = Vec::new();
        let number = self.forget_table(now, name, &mut writes);
        let commit = self.commit(writes, effects);
        self.leftovers.extend(number.map(|number| (number, commit)));
        Ok((Response::TableDescription(description), commit))
    }

    /// Takes a table out; its rows become leftovers once that is durable. Gives its number.
    pub(super) fn forget_table(
        &mut self,
        now: Now,
        name: &str,
        writes: &mut Vec<Write>,
    ) -> Option<u32> {
        let table = self.tables.remove(name)?;
        let number = table.row.number;
        self.give_up_salvage(name, writes);
        writes.extend([
            rows::remove(named(rows::TABLE, name)),
            rows::remove(named(rows::FLOOR, name)),
            rows::remove(named(rows::COUNT, name)),
            rows::put(named(rows::LEFTOVER, &number.to_string()), &number),
        ]);
        if let Some(stream) = table.stream {
            self.streams.end(now, stream, writes);
        }
        Some(number)
    }

    /// Begins or ends a table's stream.
    pub(super) fn change_stream(
        &mut self,
        now: Now,
        row: &mut TableRow,
        view: Option<StreamView>,
        writes: &mut Vec<Write>,
    ) {
        row.definition.stream = view;
        let Some(table) = self.tables.get_mut(&row.definition.name) else {
            return;
        };
        if let Some(number) = table.stream.take() {
            self.streams.end(now, number, writes);
        }
        if let Some(view) = view {
            let (number, label) = self.streams.begin(now, &row.definition, view, writes);
            table.stream = Some(number);
            row.stream_label = Some(label);
        }
    }

    /// Which stream each table has: after a start.
    pub(super) fn derive_streams(&mut self) {
        for (name, number) in self.streams.enabled() {
            if let Some(table) = self.tables.get_mut(name) {
                table.stream = Some(number);
            }
        }
    }
}

fn check_stream_change(
    row: &TableRow,
    stream: Option<StreamView>,
    replicated: bool,
) -> Result<(), ApiError> {
    let name = &row.definition.name;
    let refused = |message: String| Err(ApiError::validation(message));
    match (row.definition.stream, stream) {
        (Some(_), Some(_)) => {
            refused(format!("Table already has an enabled stream: TableName: {name}"))
        }
        (None, None) => refused(format!("Table has no stream to disable: TableName: {name}")),
        (Some(_), None) if replicated => refused(
            "One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica."
                .to_owned(),
        ),
        (Some(_), None) | (None, Some(_)) => Ok(()),
    }
}

fn change_billing(now: Now, row: &mut TableRow, billing: Billing) -> Result<(), ApiError> {
    if let (
        Billing::Provisioned { read, write },
        Billing::Provisioned {
            read: new_read,
            write: new_write,
        },
    ) = (row.definition.billing, billing)
    {
        if (read, write) == (new_read, new_write) {
            return Err(ApiError::validation(format!(
                "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: {read}. Requested ReadCapacityUnits: {new_read}. Current WriteCapacityUnits provisioned for the table: {write}. Requested WriteCapacityUnits: {new_write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
            )));
        }
        if new_read < read || new_write < write {
            let day = now.wall_ms.div_euclid(DAY_MS);
            row.decreases = if row.decreased_day == day {
                row.decreases + 1
            } else {
                1
            };
            row.decreased_day = day;
        }
    }
    row.definition.billing = billing;
    Ok(())
}

/// A table's id: 36 characters, different for every table of every region.
fn table_id(incarnation: u64, number: u32) -> String {
    // Finalisers of a well-known mixer: neighbouring numbers look unrelated.
    let mix = |value: u64| {
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let high = mix(incarnation.wrapping_add(u64::from(number)));
    let low = mix(high ^ u64::from(number));
    let text = format!("{high:016x}{low:016x}");
    [
        &text[0..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..32],
    ]
    .join("-")
}
