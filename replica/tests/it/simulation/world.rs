//! Three regions, their disks, clocks and network, and the queue of what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use replica::core::{
    CallId, CallToken, Config, Core, Effect, Effects, Input, Item, Now, Region, Request, RequestId,
    Response,
};
use replica::defects::Defect;
use replica::store::{Batch, MemoryStore, Store};

use super::clients::{Attempt, Clients, KEYS, parse, read_body};
use super::network::{Draws, Network};

mod membership;

const NAMES: [&str; 3] = ["ap-southeast-1", "eu-west-1", "us-east-1"];
const MS: u64 = 1_000_000;
const START_MS: i64 = 1_519_085_870_846;
/// How long clients and faults act, and how long the regions may take to agree afterwards.
const ACT_NS: u64 = 2_000 * MS;
const AGREE_NS: u64 = 60_000 * MS;

/// What happens to the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// Three regions, version 2017.11.29.
    Fixed,
    /// The same, and one of them is lost for ever or removed.
    Leaving,
    /// Version 2019.11.21: two regions are removed, lost, and made again.
    Changing,
}

/// Whether stores go back to older copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HasRollBacks {
    No,
    Yes,
}

/// What a run ended in.
pub(super) struct Outcome {
    pub(super) trace: Vec<u8>,
    pub(super) violations: Vec<String>,
    pub(super) figures: Figures,
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) steps: u64,
    pub(super) crashes: u64,
    /// Commits that were asked for and not synced when a crash came.
    pub(super) commits_discarded: u64,
    pub(super) roll_backs: u64,
    pub(super) renewals: u64,
    pub(super) tombstones_collected: u64,
    pub(super) writes_acknowledged: u64,
}

impl Figures {
    pub(super) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.commits_discarded += other.commits_discarded;
        self.roll_backs += other.roll_backs;
        self.renewals += other.renewals;
        self.tombstones_collected += other.tombstones_collected;
        self.writes_acknowledged += other.writes_acknowledged;
    }
}

enum Event {
    Call {
        to: usize,
        caller: Caller,
        body: Vec<u8>,
    },
    Answer {
        caller: Caller,
        from: usize,
        result: Result<Vec<u8>, String>,
    },
    Synced {
        region: usize,
        life: u64,
    },
    Wake {
        region: usize,
        life: u64,
    },
    Restart {
        region: usize,
    },
    Operation,
    Fault,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Caller {
    region: usize,
    life: u64,
    call: CallId,
}

struct Place {
    core: Option<Core>,
    life: u64,
    /// Whether its disk was lost, and it is somebody else since.
    is_lost: bool,
    store: MemoryStore,
    unsynced: Vec<Batch>,
    clock_offset_ms: i64,
    /// Its store does not go back further than this: it had the table then.
    set_up: u64,
}

pub(super) struct World {
    now_ns: u64,
    sequence: u64,
    events: BTreeMap<(u64, u64), Event>,
    draws: Draws,
    network: Network,
    places: Vec<Place>,
    defects: BTreeSet<Defect>,
    /// Calls that wait for their answer, and where an answer goes.
    open_calls: BTreeSet<Caller>,
    tokens: BTreeMap<u64, (usize, u64, Caller)>,
    attempts: BTreeMap<u64, Attempt>,
    replies: BTreeMap<u64, Result<Response, String>>,
    next_id: u64,
    clients: Clients,
    membership: Membership,
    /// When stores are rolled back, and how far; none in most runs.
    roll_backs: Option<Draws>,
    figures: Figures,
    trace: String,
}

impl World {
    pub(super) fn new(
        seed: u64,
        (membership, has_roll_backs): (Membership, HasRollBacks),
        defects: BTreeSet<Defect>,
    ) -> Self {
        let place = |_| Place {
            core: None,
            life: 0,
            is_lost: false,
            store: MemoryStore::new(),
            unsynced: Vec::new(),
            clock_offset_ms: 0,
            set_up: 0,
        };
        Self {
            now_ns: 0,
            sequence: 0,
            events: BTreeMap::new(),
            draws: Draws::new(seed),
            network: Network::new(NAMES.len()),
            places: (0..NAMES.len()).map(place).collect(),
            defects,
            open_calls: BTreeSet::new(),
            tokens: BTreeMap::new(),
            attempts: BTreeMap::new(),
            replies: BTreeMap::new(),
            next_id: 1,
            clients: Clients::default(),
            membership,
            roll_backs: (has_roll_backs == HasRollBacks::Yes).then(|| Draws::new(!seed)),
            figures: Figures::default(),
            trace: String::new(),
        }
    }

    pub(super) fn run(mut self) -> Outcome {
        for region in 0..NAMES.len() {
            self.start(region);
        }
        self.clients.expect(self.membership);
        self.set_up();
        for place in &mut self.places {
            place.set_up = place.store.last_commit().expect("memory never fails");
        }
        self.network.is_lossy = true;
        self.at(0, Event::Operation);
        self.at(200 * MS, Event::Fault);
        let end = self.now_ns + ACT_NS;
        while self.now_ns < end {
            self.next();
        }
        self.heal();
        self.settle();
        for region in 0..NAMES.len() {
            self.count(region);
        }
        self.figures.writes_acknowledged = self.clients.writes_acknowledged;
        Outcome {
            figures: self.figures,
            trace: self.trace.into_bytes(),
            violations: self.clients.violations,
        }
    }

    fn set_up(&mut self) {
        let table = r#"{"TableName":"table","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#;
        if self.membership == Membership::Changing {
            self.create_replicas(table);
            return;
        }
        for region in 0..NAMES.len() {
            self.ask(region, parse("CreateTable", table))
                .expect("the table is created");
        }
        let create = format!(
            r#"{{"GlobalTableName":"table","ReplicationGroup":[{{"RegionName":"{}"}},{{"RegionName":"{}"}}]}}"#,
            NAMES[0], NAMES[1]
        );
        self.ask(0, parse("CreateGlobalTable", &create))
            .expect("two regions");
        let update = format!(
            r#"{{"GlobalTableName":"table","ReplicaUpdates":[{{"Create":{{"RegionName":"{}"}}}}]}}"#,
            NAMES[2]
        );
        self.ask(1, parse("UpdateGlobalTable", &update))
            .expect("a third region");
    }

    /// Asks and waits for the answer.
    fn ask(&mut self, region: usize, request: Request) -> Result<Response, String> {
        let id = self.request(region, request);
        for _ in 0..100_000 {
            if let Some(reply) = self.replies.remove(&id) {
                return reply;
            }
            self.next();
        }
        panic!("a request to {} was never answered", NAMES[region]);
    }

    fn request(&mut self, region: usize, request: Request) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.step(
            region,
            Input::Request {
                id: RequestId(id),
                request,
            },
        );
        id
    }

    fn at(&mut self, after_ns: u64, event: Event) {
        self.sequence += 1;
        self.events
            .insert((self.now_ns + after_ns, self.sequence), event);
    }

    fn now(&self, region: usize) -> Now {
        let elapsed_ms = i64::try_from(self.now_ns / MS).expect("runs are short");
        Now {
            wall_ms: START_MS + elapsed_ms + self.places[region].clock_offset_ms,
            monotonic_ns: self.now_ns,
        }
    }

    fn start(&mut self, region: usize) {
        let peers = NAMES.iter().filter(|name| **name != NAMES[region]);
        let peers = peers.map(|name| Region::new(name)).collect();
        let mut config = Config::new(Region::new(NAMES[region]), peers);
        config.defects = self.defects.clone();
        config.limits.epoch_rows = 16;
        config.limits.feed_rows = 5;
        config.limits.call_deadline_ms = 300;
        config.limits.join_hold_ms = 500;
        config.limits.upkeep_rows = 4;
        config.limits.exchange_ms = 300;
        let place = &self.places[region];
        let store = place.store.clone();
        config.last_commit = store.last_commit().expect("memory never fails");
        let now = self.now(region);
        let mut effects = Effects::new();
        let lost = if place.is_lost { 100 * place.life } else { 0 };
        let entropy = 1_000 + region as u64 + lost;
        let core = Core::open(config, entropy, now, &store, &mut effects).expect("it opens");
        self.places[region].core = Some(core);
        self.carry_out(region, effects);
    }

    fn crash(&mut self, region: usize) {
        self.count(region);
        let place = &mut self.places[region];
        if place.core.take().is_none() {
            return;
        }
        place.life += 1;
        self.figures.crashes += 1;
        self.figures.commits_discarded += place.unsynced.len() as u64;
        place.unsynced.clear();
        self.open_calls.retain(|caller| caller.region != region);
        self.attempts.retain(|_, attempt| attempt.region != region);
        self.at((1 + self.now_ns % 700) * MS, Event::Restart { region });
    }

    fn step(&mut self, region: usize, input: Input) {
        let now = self.now(region);
        let place = &mut self.places[region];
        let Some(core) = &mut place.core else { return };
        let mut effects = Effects::new();
        self.figures.steps += 1;
        core.step(now, input, &place.store, &mut effects);
        core.check_invariants(&place.store)
            .expect("memory never fails");
        self.carry_out(region, effects);
    }

    fn carry_out(&mut self, region: usize, effects: Effects) {
        let life = self.places[region].life;
        for effect in effects {
            self.record(region, &effect);
            match effect {
                Effect::Reply { to, result } => self.replied(to, result),
                Effect::Commit(batch) => {
                    if self.places[region].unsynced.is_empty() {
                        let after = (1 + self.draws.below(20)) * MS;
                        self.at(after, Event::Synced { region, life });
                    }
                    self.places[region].unsynced.push(batch);
                }
                Effect::Call {
                    to,
                    id,
                    body,
                    deadline_ms,
                } => {
                    let caller = Caller {
                        region,
                        life,
                        call: id,
                    };
                    self.call(caller, &to, &body, deadline_ms);
                }
                Effect::Answer { to, body } => {
                    let Some((_, _, caller)) = self.tokens.remove(&to.0) else {
                        continue;
                    };
                    for after in self
                        .network
                        .arrivals(region, caller.region, &mut self.draws)
                    {
                        let result = Ok(body.clone());
                        self.at(
                            after,
                            Event::Answer {
                                caller,
                                from: region,
                                result,
                            },
                        );
                    }
                }
                Effect::WakeAt { monotonic_ns } => {
                    let after = monotonic_ns.saturating_sub(self.now_ns);
                    self.at(after, Event::Wake { region, life });
                }
                // What it held is gone for now: readers begin anew there.
                Effect::Log(line) if line.starts_with("this region is a new member") => {
                    self.clients.forget_reads(region);
                    let attempts = self.attempts.values_mut();
                    attempts
                        .filter(|attempt| attempt.region == region)
                        .for_each(Attempt::forget_reads);
                }
                Effect::Log(_) => {}
            }
        }
    }

    /// What a region asked for, with long bytes by their checksum.
    fn record(&mut self, region: usize, effect: &Effect) {
        let at = self.now_ns;
        let written = match effect {
            Effect::Commit(batch) => {
                let mut sum = crc32fast::Hasher::new();
                for write in batch.writes.iter() {
                    sum.update(&write.key);
                    sum.update(write.value.as_deref().unwrap_or_default());
                }
                let (commit, sum) = (batch.commit, sum.finalize());
                writeln!(self.trace, "{at} {region} commit {commit} {sum:08x}")
            }
            Effect::Call { to, id, body, .. } => {
                let sum = crc32fast::hash(body);
                writeln!(self.trace, "{at} {region} call {to} {} {sum:08x}", id.0)
            }
            Effect::Answer { to, body } => {
                let sum = crc32fast::hash(body);
                writeln!(self.trace, "{at} {region} answer {} {sum:08x}", to.0)
            }
            Effect::Reply { .. } | Effect::WakeAt { .. } | Effect::Log(_) => {
                writeln!(self.trace, "{at} {region} {effect:?}")
            }
        };
        written.expect("a string grows");
    }

    fn call(&mut self, caller: Caller, to: &Region, body: &[u8], deadline_ms: u64) {
        self.open_calls.insert(caller);
        let to = NAMES
            .iter()
            .position(|name| *name == to.as_str())
            .expect("a known region");
        let result = Err("deadline passed".to_owned());
        self.at(
            deadline_ms * MS,
            Event::Answer {
                caller,
                from: to,
                result,
            },
        );
        for after in self.network.arrivals(caller.region, to, &mut self.draws) {
            self.at(
                after,
                Event::Call {
                    to,
                    caller,
                    body: body.to_vec(),
                },
            );
        }
    }

    fn replied(&mut self, to: RequestId, result: Result<Response, replica::core::ApiError>) {
        match self.attempts.remove(&to.0) {
            Some(attempt) => self.clients.told(&attempt, result),
            None => {
                let _ = self
                    .replies
                    .insert(to.0, result.map_err(|error| error.message));
            }
        }
    }

    fn next(&mut self) {
        let ((at, _), event) = self.events.pop_first().expect("regions always wake again");
        self.now_ns = at;
        match event {
            Event::Call { to, caller, body } => {
                let token = self.next_id;
                self.next_id += 1;
                self.tokens
                    .insert(token, (to, self.places[to].life, caller));
                self.step(
                    to,
                    Input::Called {
                        token: CallToken(token),
                        body,
                    },
                );
            }
            Event::Answer {
                caller,
                from,
                result,
            } => {
                if self.open_calls.remove(&caller) {
                    let from = Region::new(NAMES[from]);
                    self.step(
                        caller.region,
                        Input::Answered {
                            id: caller.call,
                            from,
                            result,
                        },
                    );
                }
            }
            Event::Synced { region, life } if life == self.places[region].life => {
                let batches = std::mem::take(&mut self.places[region].unsynced);
                self.places[region]
                    .store
                    .commit(&batches)
                    .expect("memory never fails");
                let through = batches.last().map_or(0, |batch| batch.commit);
                self.step(region, Input::Durable { through });
            }
            Event::Wake { region, life } if life == self.places[region].life => {
                self.step(region, Input::Tick);
            }
            Event::Synced { .. } | Event::Wake { .. } => {}
            Event::Restart { region } => {
                if self.places[region].core.is_none() {
                    self.start(region);
                }
            }
            Event::Operation => self.operate(),
            Event::Fault => self.fault(),
        }
    }

    fn operate(&mut self) {
        // Whole milliseconds, sometimes the same in two regions: ties are part of the contract.
        for _ in 0..=self.draws.below(3) {
            let region = self.draws.index(NAMES.len());
            if self.places[region].core.is_none() {
                continue;
            }
            let (attempt, request) = self.clients.draw(region, &mut self.draws);
            self.attempts.insert(self.next_id, attempt);
            self.request(region, request);
        }
        let after = self.draws.below(20) * MS + 1;
        self.at(after, Event::Operation);
    }

    fn fault(&mut self) {
        let (a, b) = (self.draws.index(NAMES.len()), self.draws.index(NAMES.len()));
        match self.draws.below(6) {
            0 => self.network.cut(a, b),
            1 => {
                for other in 0..NAMES.len() {
                    self.network.cut(a, other);
                    self.network.cut(other, a);
                }
            }
            2 | 3 => self.network.heal(),
            4 => self.crash(a),
            _ => {
                let step = i64::try_from(self.draws.below(4_000)).expect("small") - 2_000;
                self.places[a].clock_offset_ms = step;
            }
        }
        self.change_members();
        self.roll_back();
        let after = (50 + self.draws.below(400)) * MS;
        self.at(after, Event::Fault);
    }

    /// Now and then a region comes back on an older copy of its store. What it had sent and not delivered is long gone by then.
    fn roll_back(&mut self) {
        let Some(draws) = &mut self.roll_backs else {
            return;
        };
        let (region, back) = (draws.index(NAMES.len()), draws.below(60));
        if !draws.one_in(3) {
            return;
        }
        self.crash(region);
        let place = &mut self.places[region];
        let newest = place.store.last_commit().expect("memory never fails");
        let oldest = if place.is_lost { newest } else { place.set_up };
        place
            .store
            .lose_after(newest.saturating_sub(back).max(oldest.min(newest)));
        let life = place.life;
        self.events.retain(|_, event| match event {
            Event::Call { caller, .. } => caller.region != region || caller.life == life,
            Event::Answer { .. }
            | Event::Synced { .. }
            | Event::Wake { .. }
            | Event::Restart { .. }
            | Event::Operation
            | Event::Fault => true,
        });
        self.figures.roll_backs += 1;
        self.clients.forget(region);
    }

    fn heal(&mut self) {
        self.network.heal();
        self.network.is_lossy = false;
        self.events
            .retain(|_, event| !matches!(event, Event::Operation | Event::Fault));
        for region in 0..NAMES.len() {
            if self.places[region].core.is_none() {
                self.start(region);
            }
        }
        self.mend_members();
    }

    /// Waits until the regions agree and nothing is left to be forgotten; then judges.
    fn settle(&mut self) {
        let held = self.agree();
        for (key, item) in held.iter().enumerate() {
            self.clients.judge_final(key, item.as_ref());
        }
        if self.membership == Membership::Changing {
            self.delete_everything();
            let left = self.agree();
            if left.iter().any(Option::is_some) {
                self.clients
                    .violations
                    .push(format!("deleted items came back: {left:?}"));
            }
        }
    }

    fn agree(&mut self) -> Vec<Option<Item>> {
        let deadline = self.now_ns + AGREE_NS;
        loop {
            let pause = self.now_ns + 300 * MS;
            while self.now_ns < pause {
                self.next();
            }
            let members = self.members();
            let held: Vec<Vec<Option<Item>>> = members
                .iter()
                .map(|region| self.contents(*region))
                .collect();
            let equal = held.iter().all(|other| *other == held[0]);
            let tombstones: Vec<u64> = members.iter().map(|it| self.tombstones(*it)).collect();
            let moves = members.iter().any(|it| self.is_moving(*it));
            if equal && !moves && tombstones.iter().all(|count| *count == 0) {
                return held.into_iter().next().unwrap_or_default();
            }
            if self.now_ns >= deadline {
                let what = match (equal, moves) {
                    (false, _) => "regions differ",
                    (true, true) => "rows never cease to move",
                    (true, false) => "tombstones stay",
                };
                self.clients
                    .violations
                    .push(format!("{what}: {members:?} {tombstones:?} {held:?}"));
                return Vec::new();
            }
        }
    }

    fn contents(&mut self, region: usize) -> Vec<Option<Item>> {
        let read =
            |world: &mut Self, key| match world.ask(region, parse("GetItem", &read_body(key))) {
                Ok(Response::GetItem { item, .. }) => item,
                // It has not heard yet that it is a member.
                Err(reason) if reason.contains("resource not found") => None,
                // It is asked again: what it holds is not its last word.
                Err(reason) if reason.contains("still moves the rows") => None,
                other => panic!("a read is answered: {other:?}"),
            };
        (0..KEYS).map(|key| read(self, key)).collect()
    }

    /// Adds what a region has counted since it began; it is about to end.
    fn count(&mut self, region: usize) {
        let Some(core) = &self.places[region].core else {
            return;
        };
        let counters = core.status(self.now(region)).counters;
        self.figures.tombstones_collected += counters.tombstones_collected;
        self.figures.renewals += counters.renewals;
    }

    /// Whether a region still moves rows after a renewal, its own or another's: what it holds is not its last word.
    fn is_moving(&self, region: usize) -> bool {
        let core = self.places[region].core.as_ref();
        let tables = core.map(|core| core.status(self.now(region)).tables);
        tables.is_some_and(|tables| tables.values().any(|table| table.is_moving))
    }

    fn tombstones(&self, region: usize) -> u64 {
        let core = self.places[region].core.as_ref();
        core.map_or(0, |core| core.status(self.now(region)).tombstones)
    }
}
