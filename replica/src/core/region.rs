//! One region: its state, and how it is opened and stepped.

use std::collections::BTreeMap;

use super::exchange::Exchanges;
use super::expiry::Walk;
use super::feed::{Feed, Watermark};
use super::group::Group;
use super::join::Coordination;
use super::ledger::{Answer, Ledger};
use super::peer::Peer;
use super::renewal::Rollback;
use super::rows::Origin;
use super::salvage::Salvage;
use super::stream::Streams;
use super::table::{Table, no_such_table};
use super::{
    ApiError, CallId, Config, Counters, Effect, Effects, ErrorKind, Input, Now, Region, Request,
    RequestId, UpdateTable,
};
use crate::defects::Defect;
use crate::store::{Read, Space, StoreError, Write};

/// Why a region cannot be opened on this store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row holds what this version cannot read.
    #[error(
        "the data directory's row `{row}` cannot be read by this version: {reason}; start the version that wrote it, or begin with an empty directory"
    )]
    Row {
        /// Which row.
        row: String,
        /// Why.
        reason: String,
    },
    /// The directory belongs to another region.
    #[error(
        "the data directory belongs to region {found}, not {asked}; pass its own --region, or another --data-dir"
    )]
    OtherRegion {
        /// Whose it is.
        found: String,
        /// Who asked.
        asked: String,
    },
}

/// Why a request is not served.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The client is told.
    Api(ApiError),
    /// The operator is told; the client hears of an internal error.
    Store(StoreError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The state machine of one region.
#[derive(Debug)]
pub struct Core {
    pub(super) config: Config,
    pub(super) incarnation: u64,
    pub(super) next_table: u32,
    pub(super) tables: BTreeMap<String, Table>,
    /// Numbers of deleted tables whose rows are still there, and the commit that deleted them.
    pub(super) leftovers: BTreeMap<u32, u64>,
    /// Old numbers of tables whose rows are walked after a renewal.
    pub(super) salvages: BTreeMap<u32, Salvage>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) groups_commit: u64,
    pub(super) ledger: Ledger,
    pub(super) feed: Feed,
    pub(super) peers: BTreeMap<Region, Peer>,
    pub(super) consumed: BTreeMap<Origin, Watermark>,
    pub(super) coordinations: BTreeMap<u64, Coordination>,
    pub(super) next_coordination: u64,
    /// Which coordination a call belongs to; calls that are not here carry feed.
    pub(super) calls: BTreeMap<CallId, u64>,
    pub(super) next_call: u64,
    pub(super) upkeep_due_ns: u64,
    pub(super) tombstones: u64,
    pub(super) collected_through: Option<Vec<u8>>,
    pub(super) counters: Counters,
    /// Versions before the newest, for the defect `stale-strong-read`.
    pub(super) previous: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) stale_reads: u64,
    /// What was read last, for the defect `crossed-read`.
    pub(super) last_read: Option<Vec<u8>>,
    pub(super) streams: Streams,
    pub(super) expiry: Walk,
    pub(super) exchanges: Exchanges,
    pub(super) rollback: Rollback,
    pub(super) wake_ns: Option<u64>,
}

impl Core {
    /// Takes one thing that happened and says what is to be done.
    pub fn step(&mut self, now: Now, input: Input, read: &dyn Read, effects: &mut Effects) {
        match input {
            Input::Request { id, request } => self.requested(now, id, request, read, effects),
            Input::Called { token, body } => self.called(now, token, &body, read, effects),
            Input::Answered { id, from, result } => {
                self.answered(now, id, &from, result, read, effects);
            }
            Input::Durable { through } => self.durable(through, effects),
            Input::Tick => self.wake_ns = None,
        }
        self.carry_on(now, read, effects);
    }

    /// What goes on by itself: held commits, upkeep, sending; then says when to be woken.
    pub(super) fn carry_on(&mut self, now: Now, read: &dyn Read, effects: &mut Effects) {
        let held = self.ledger.release(now.monotonic_ns, effects);
        if now.monotonic_ns >= self.upkeep_due_ns {
            self.upkeep_due_ns = now.monotonic_ns + self.config.limits.upkeep_ms * 1_000_000;
            self.upkeep(now, read, effects);
        } else if let Err(error) = self.salvage(now, read, effects) {
            // Clients wait for it, so it goes on with every commit.
            self.store_failed(&error, effects);
        }
        let sending = self.pump(now, read, effects);
        let wake = [held, sending, Some(self.upkeep_due_ns)]
            .into_iter()
            .flatten()
            .min();
        if wake != self.wake_ns
            && let Some(monotonic_ns) = wake
        {
            effects.push(Effect::WakeAt { monotonic_ns });
            self.wake_ns = wake;
        }
    }

    fn durable(&mut self, through: u64, effects: &mut Effects) {
        self.ledger.durable(through, effects);
        self.feed.head.settle(through);
        self.streams.sequence.settle(through);
        let mut settled = Vec::new();
        for (origin, mark) in &mut self.consumed {
            let before = mark.durable;
            mark.settle(through);
            if mark.durable > before {
                settled.push(origin.clone());
            }
        }
        for origin in settled {
            self.settle_report(&origin);
        }
    }

    fn requested(
        &mut self,
        now: Now,
        id: RequestId,
        request: Request,
        read: &dyn Read,
        effects: &mut Effects,
    ) {
        self.counters.requests += 1;
        let served = match self.check_room() {
            Ok(()) => self.serve(now, id, request, read, effects),
            Err(error) => Err(Refusal::Api(error)),
        };
        let error = match served {
            Ok(()) => return,
            Err(Refusal::Api(error)) => error,
            Err(Refusal::Store(error)) => {
                self.store_failed(&error, effects);
                ApiError::new(ErrorKind::InternalServerError, "Internal server error")
            }
        };
        effects.push(Effect::Reply {
            to: id,
            result: Err(error),
        });
    }

    fn check_room(&mut self) -> Result<(), ApiError> {
        let limits = &self.config.limits;
        let full = self.ledger.undurable_count() >= limits.undurable_batches
            || self.ledger.waiting_count() >= limits.waiting_answers;
        if !full {
            return Ok(());
        }
        self.counters.throttled += 1;
        Err(ApiError::new(
            ErrorKind::Throttling,
            "Rate of requests exceeds the allowed throughput: the disk does not keep up, send again later",
        ))
    }

    fn serve(
        &mut self,
        now: Now,
        id: RequestId,
        request: Request,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let (response, commit) = match request {
            Request::PutItem(put) => return self.put_item(now, id, put, read, effects),
            Request::UpdateItem(update) => {
                return self.update_item(now, id, &update, read, effects);
            }
            Request::DeleteItem(delete) => {
                return self.delete_item(now, id, &delete, read, effects);
            }
            Request::Global(asked) => {
                return Ok(self.serve_global(now, id, asked, read, effects)?);
            }
            Request::GetItem(get) => {
                let commit = self.data_table(&get.table)?.commit;
                (self.get_item(&get, read)?, commit)
            }
            Request::Query(query) => {
                let commit = self.data_table(&query.page.table)?.commit;
                (self.query(&query, read)?, commit)
            }
            Request::Scan(scan) => {
                let commit = self.data_table(&scan.page.table)?.commit;
                (self.scan(&scan, read)?, commit)
            }
            Request::CreateTable(definition) => self.create_table(now, definition, effects)?,
            Request::DescribeTable { table } => self.describe_table(&table)?,
            Request::ListTables { after, limit } => {
                (self.list_tables(after.as_deref(), limit), self.ledger.last)
            }
            Request::DeleteTable { table } => self.delete_table(now, &table, effects)?,
            Request::UpdateTable(UpdateTable {
                table,
                replica: Some(replica),
                ..
            }) => {
                return Ok(self.update_replicas(now, id, (table, replica), read, effects)?);
            }
            Request::UpdateTable(update) => self.update_table(now, &update, effects)?,
            Request::Streams(asked) => (self.serve_streams(now, &asked, read)?, self.ledger.last),
            Request::TimeToLive { table, change } => match change {
                Some(change) => self.update_time_to_live(now, &table, change, effects)?,
                None => self.describe_time_to_live(&table)?,
            },
        };
        self.ledger
            .answer(commit, Answer::Client(id, Ok(response)), effects);
        Ok(())
    }

    /// The table of a data request, if it can be read and written. One that is being created is not there yet, as at AWS ("its status might not be ACTIVE").
    /// Until the rows that a renewed region keeps have moved, it cannot: a reader would miss
    /// what was acknowledged, and a write would not know what it overwrites.
    pub(super) fn data_table(&self, name: &str) -> Result<&Table, ApiError> {
        let table = self.tables.get(name);
        let table = table.filter(|table| !table.row.is_filling);
        let table = table.ok_or_else(no_such_table)?;
        if self.is_salvaging(name) || table.moved_by > self.ledger.durable {
            return Err(ApiError::new(
                ErrorKind::Throttling,
                "Rate of requests exceeds the allowed throughput: the region has become a new member of the global table and still moves the rows that it kept, send again later",
            ));
        }
        Ok(table)
    }

    /// Whether this fault is planted.
    pub(super) fn has_defect(&self, defect: Defect) -> bool {
        cfg!(feature = "defects") && self.config.defects.contains(&defect)
    }

    /// Whether this fault is planted, and its turn has come: one in so many of what is counted.
    pub(super) fn strikes(&self, defect: Defect, count: u64, every: u64) -> bool {
        self.has_defect(defect) && count.is_multiple_of(every)
    }

    /// Asks for a commit of these writes; gives its number.
    pub(super) fn commit(&mut self, writes: Vec<Write>, effects: &mut Effects) -> u64 {
        self.commit_dropping(writes, Vec::new(), effects)
    }

    /// The same, with epochs to drop.
    pub(super) fn commit_dropping(
        &mut self,
        writes: Vec<Write>,
        drops: Vec<Space>,
        effects: &mut Effects,
    ) -> u64 {
        let commit = self.ledger.commit(writes, drops, effects);
        self.mark(commit);
        commit
    }

    /// The defect `ack-before-write`: the commit is kept back for a while.
    pub(super) fn hold(&mut self, now: Now, writes: Vec<Write>) {
        let commit = self.ledger.hold(now.monotonic_ns, writes);
        self.mark(commit);
    }

    fn mark(&mut self, commit: u64) {
        self.feed.head.mark(commit);
        self.streams.sequence.mark(commit);
        for mark in self.consumed.values_mut() {
            mark.mark(commit);
        }
    }
}
