//! Regions without disks, sockets or clocks, for unit tests and for the conformance suite's simulation: commits are durable at once, calls arrive at once, time passes when told.

use std::collections::{BTreeSet, VecDeque};

use super::{
    ApiError, CallId, CallToken, Config, Core, Effect, Effects, Input, Now, Region, Request,
    RequestId, Response, Status,
};
use crate::store::{MemoryStore, Store as _};
use crate::wire;

/// 2018-02-19, in the era of version 2017.11.29.
pub(crate) const START_MS: i64 = 1_519_085_870_846;

#[derive(Debug)]
struct Place {
    region: Region,
    core: Core,
    skew_ms: i64,
    store: MemoryStore,
}

/// Some regions.
#[derive(Debug)]
pub struct Regions {
    places: Vec<Place>,
    pub(crate) now_ms: i64,
    last_id: u64,
    calls: Vec<(usize, CallId)>,
    reply: Option<Result<Response, ApiError>>,
    work: VecDeque<(usize, Input)>,
    /// Regions that nothing reaches and that reach nothing.
    cut: BTreeSet<usize>,
}

#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the simulation of the conformance suite needs less than tests do"
    )
)]
impl Regions {
    /// Regions of these names, linked with each other.
    pub fn new(names: &[&str]) -> Self {
        let mut regions = Self {
            places: Vec::new(),
            now_ms: START_MS,
            last_id: 0,
            calls: Vec::new(),
            reply: None,
            work: VecDeque::new(),
            cut: BTreeSet::new(),
        };
        let mut opened = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let peers = names.iter().filter(|peer| *peer != name);
            let mut config = Config::new(
                Region::new(name),
                peers.map(|peer| Region::new(peer)).collect(),
            );
            // A few rows already take several rounds.
            config.limits.upkeep_rows = 20;
            let (store, mut effects) = (MemoryStore::new(), Effects::new());
            let core = Core::open(
                config,
                index as u64 + 1,
                regions.now(),
                &store,
                &mut effects,
            );
            let core = core.expect("an empty store opens");
            let region = Region::new(name);
            regions.places.push(Place {
                region,
                core,
                skew_ms: 0,
                store,
            });
            opened.push(effects);
        }
        for (index, effects) in opened.into_iter().enumerate() {
            regions.carry_out(index, effects);
        }
        regions.run();
        regions
    }

    /// One request in DynamoDB's JSON.
    pub fn send(
        &mut self,
        place: usize,
        operation: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, ApiError> {
        let prefix = match operation {
            "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords" => {
                "DynamoDBStreams_20120810"
            }
            _ => "DynamoDB_20120810",
        };
        let target = format!("{prefix}.{operation}");
        let json = Some("application/x-amz-json-1.0");
        let request = wire::parse(Some(&target), json, body.to_string().as_bytes())?;
        let response = self.request(place, request)?;
        Ok(serde_json::from_slice(&wire::render(&response)).expect("JSON"))
    }

    /// The same, of a request that must be served.
    pub(crate) fn ok(
        &mut self,
        place: usize,
        operation: &str,
        body: serde_json::Value,
    ) -> serde_json::Value {
        let served = self.send(place, operation, &body);
        served.unwrap_or_else(|error| panic!("{operation} {body}: {error:?}"))
    }

    /// Makes the table `tests` in one region, with a stream of this view.
    pub(crate) fn create_table(&mut self, place: usize, view: &str) {
        let body = serde_json::json!({
            "TableName": "tests",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
        });
        self.ok(place, "CreateTable", body);
    }

    /// Joins the tables `tests` of all regions to a global table of version 2017.11.29.
    pub(crate) fn join_tables(&mut self) {
        let places = self.places.iter();
        let group: Vec<_> = places
            .map(|place| serde_json::json!({"RegionName": place.region.to_string()}))
            .collect();
        let body = serde_json::json!({"GlobalTableName": "tests", "ReplicationGroup": group});
        self.ok(0, "CreateGlobalTable", body);
        self.pass(1000);
    }

    /// The text of the refusal.
    pub(crate) fn refusal(
        &mut self,
        place: usize,
        operation: &str,
        body: serde_json::Value,
    ) -> String {
        let error = self
            .send(place, operation, &body)
            .expect_err("it is refused");
        format!("{:?}: {}", error.kind, error.message)
    }

    /// One request.
    pub(crate) fn request(&mut self, place: usize, request: Request) -> Result<Response, ApiError> {
        self.last_id += 1;
        let id = RequestId(self.last_id);
        self.work.push_back((place, Input::Request { id, request }));
        self.run();
        self.reply.take().expect("everything is durable at once")
    }

    /// Lets a region's configuration be changed, as a restart with other options does.
    pub(crate) fn configure(&mut self, place: usize, change: impl FnOnce(&mut Config)) {
        change(&mut self.places[place].core.config);
    }

    /// Moves a region's wall clock.
    pub(crate) fn skew(&mut self, place: usize, ms: i64) {
        self.places[place].skew_ms = ms;
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        for place in 0..self.places.len() {
            self.work.push_back((place, Input::Tick));
        }
        self.run();
    }

    /// The number of a region's newest commit.
    pub(crate) fn last_commit(&self, place: usize) -> u64 {
        self.places[place].store.last_commit().expect("readable")
    }

    /// How many rows a region has on its disk.
    pub(crate) fn row_count(&self, place: usize) -> usize {
        self.places[place].store.row_count()
    }

    /// Opens a region again on its store as it was after this commit.
    pub(crate) fn roll_back(&mut self, place: usize, commit: u64) {
        self.places[place].store.lose_after(commit);
        self.restart(place);
    }

    /// Ends a region and opens it again on its store.
    pub(crate) fn restart(&mut self, place: usize) {
        let now = self.now();
        let Place { core, store, .. } = &mut self.places[place];
        let (mut config, mut effects) = (core.config.clone(), Effects::new());
        config.last_commit = store.last_commit().expect("readable");
        let opened = Core::open(config, 0, now, store, &mut effects);
        *core = opened.expect("a store of ours opens");
        self.carry_out(place, effects);
        self.run();
    }

    /// Cuts a region off from all others.
    pub(crate) fn cut(&mut self, place: usize) {
        self.cut.insert(place);
    }

    /// Undoes every cut.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// What a region shows of itself.
    pub(crate) fn status(&self, place: usize) -> Status {
        self.places[place].core.status(self.now())
    }

    fn now(&self) -> Now {
        let passed_ms = u64::try_from(self.now_ms - START_MS).expect("time passes forwards");
        Now {
            wall_ms: self.now_ms,
            monotonic_ns: passed_ms * 1_000_000,
        }
    }

    fn run(&mut self) {
        while let Some((place, input)) = self.work.pop_front() {
            let mut now = self.now();
            let mut effects = Effects::new();
            let Place {
                core,
                skew_ms,
                store,
                ..
            } = &mut self.places[place];
            now.wall_ms += *skew_ms;
            core.step(now, input, store, &mut effects);
            core.check_invariants(store).expect("readable");
            self.carry_out(place, effects);
        }
    }

    fn carry_out(&mut self, place: usize, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Reply { result, .. } => self.reply = Some(result),
                Effect::Commit(batch) => {
                    let through = batch.commit;
                    let store = &self.places[place].store;
                    store.commit(&[batch]).expect("memory takes it");
                    self.work.push_front((place, Input::Durable { through }));
                }
                Effect::Call { to, id, body, .. } => {
                    let there = self.places.iter().position(|place| place.region == to);
                    let there = there.expect("it is there");
                    if self.cut.contains(&place) || self.cut.contains(&there) {
                        let (from, result) = (to, Err("cut off".to_owned()));
                        self.work
                            .push_back((place, Input::Answered { id, from, result }));
                        continue;
                    }
                    self.calls.push((place, id));
                    let token = CallToken(self.calls.len() as u64 - 1);
                    let input = Input::Called { token, body };
                    self.work.push_back((there, input));
                }
                Effect::Answer { to, body } => {
                    let index = usize::try_from(to.0).expect("small");
                    let (caller, id) = self.calls[index];
                    let input = Input::Answered {
                        id,
                        from: self.places[place].region.clone(),
                        result: Ok(body),
                    };
                    self.work.push_back((caller, input));
                }
                Effect::WakeAt { .. } | Effect::Log(_) => {}
            }
        }
    }
}
