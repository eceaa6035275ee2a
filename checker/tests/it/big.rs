//! Big histories of a simulated store of three regions, correct but for one fault that can be planted in the middle.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use checker::history::{
    Condition, Event, EventKind, Header, Key, MicroOp, MicroReply, Observed, Op, Phase, ProcessId,
    RegionId, Reply, Stamp, Strength, Value,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Clients per region.
const CLIENTS: usize = 10;
/// How long a version travels between regions.
const LAG_NS: u64 = 50_000_000;
/// Time between operations.
const STEP_NS: u64 = 50_000;

/// How far from its middle an operation reaches at most.
const REACH: usize = 400_000;
const REACH_NS: u64 = REACH as u64;

/// What the store does wrong, once, in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// A strong read shows the version before.
    StaleRead,
    /// An acknowledged write is forgotten.
    DroppedWrite,
    /// For a while versions from elsewhere replace the item whatever their stamps.
    ArrivalOrder,
    /// A conditional write is accepted on a version that has a successor already.
    DoubleWinner,
    /// A deleted item comes back in the region that deleted it.
    Resurrection,
    /// A transaction of reads sees half of what a transaction wrote.
    TornTransaction,
    /// Nothing, in a history with transactions.
    NoTornTransaction,
}

impl Fault {
    fn has_transactions(self) -> bool {
        matches!(self, Self::TornTransaction | Self::NoTornTransaction)
    }
}

/// Histories without a fault.
pub(crate) const FAULTLESS: [Fault; 2] = [Fault::None, Fault::NoTornTransaction];

/// All that can be planted.
pub(crate) const FAULTS: [Fault; 6] = [
    Fault::StaleRead,
    Fault::DroppedWrite,
    Fault::ArrivalOrder,
    Fault::DoubleWinner,
    Fault::Resurrection,
    Fault::TornTransaction,
];

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    time_us: i64,
    region: u8,
    /// 0: no item.
    value: i64,
}

struct Store<E> {
    rng: ChaCha8Rng,
    /// By key and region: what is visible, and what was before it.
    current: Vec<[Version; 3]>,
    before: Vec<[Version; 3]>,
    travelling: VecDeque<(u64, usize, Version)>,
    free_ns: [[u64; CLIENTS]; 3],
    /// Events that others may still precede.
    waiting: BinaryHeap<Reverse<(u64, bool, usize)>>,
    /// Those events, by how many came before.
    events: VecDeque<Option<Event>>,
    first_waiting: usize,
    emit: E,
    fault: Fault,
    /// Operations from which on the fault happens, and how often it still will.
    fault_from: usize,
    fault_count: u32,
    torn: Option<Torn>,
}

/// What the next client of a region shall see of a transaction.
struct Torn {
    region: usize,
    keys: [usize; 2],
    shown: [Version; 2],
}

/// The header of such histories.
pub(crate) fn header() -> Header {
    let names = ["ap-southeast-1", "eu-west-1", "us-east-1"];
    Header {
        regions: names.map(str::to_owned).to_vec(),
        stamps_visible: true,
        ..Header::default()
    }
}

/// The events of a run of about this many operations on this many keys.
pub(crate) fn simulate(count: usize, keys: usize, fault: Fault) -> Vec<Event> {
    let mut events = Vec::with_capacity(count * 2);
    simulate_into(count, keys, fault, |event| events.push(event));
    events
}

/// Hands the events of such a run on as they happen.
pub(crate) fn simulate_into(count: usize, keys: usize, fault: Fault, emit: impl FnMut(Event)) {
    // A transaction is of two.
    let keys = keys.max(1 + usize::from(fault.has_transactions()));
    let mut store = Store {
        rng: ChaCha8Rng::seed_from_u64(7),
        current: vec![Default::default(); keys],
        before: vec![Default::default(); keys],
        travelling: VecDeque::new(),
        free_ns: Default::default(),
        waiting: BinaryHeap::new(),
        events: VecDeque::new(),
        first_waiting: 0,
        emit,
        fault,
        fault_from: count / 2,
        // A write that a version from elsewhere would have replaced before anybody looked is not missed by anybody.
        fault_count: match fault {
            Fault::ArrivalOrder => 20,
            Fault::DroppedWrite => 20,
            Fault::StaleRead | Fault::DoubleWinner | Fault::Resurrection => 1,
            Fault::TornTransaction => 1,
            Fault::None | Fault::NoTornTransaction => 0,
        },
        torn: None,
    };
    for number in 1..=count {
        store.step(number);
    }
    store.emit_before(u64::MAX);
}

fn observed(version: Version) -> Observed {
    let stamp = Stamp {
        time_us: version.time_us,
        region: RegionId(version.region),
    };
    Observed {
        value: value(version.value),
        stamp: (version.value != 0).then_some(stamp),
        previous: None,
    }
}

fn value(number: i64) -> Value {
    match number {
        0 => Value::Absent,
        number => Value::Int(number),
    }
}

impl<E: FnMut(Event)> Store<E> {
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.rng.next_u64() % limit as u64).expect("small")
    }

    /// Whether the fault happens now.
    fn fails(&mut self, number: usize, fault: Fault) -> bool {
        let is_now = self.fault == fault && number >= self.fault_from && self.fault_count > 0;
        self.fault_count -= u32::from(is_now);
        is_now
    }

    fn arrive(&mut self, number: usize, now: u64) {
        while let Some((_, key, version)) = self.travelling.front().filter(|(at, ..)| *at <= now) {
            let (key, version) = (*key, *version);
            self.travelling.pop_front();
            // Its own region has had it from the beginning: there nothing mends what another version replaced.
            for region in (0..3).filter(|region| *region != usize::from(version.region)) {
                let current = self.current[key][region];
                let is_wrong = version < current;
                let replaces = version > current;
                if replaces || (is_wrong && self.fails(number, Fault::ArrivalOrder)) {
                    self.before[key][region] = current;
                    self.current[key][region] = version;
                }
            }
        }
    }

    /// Hands on what nothing can precede any more.
    fn emit_before(&mut self, time_ns: u64) {
        while let Some(Reverse((_, _, number))) = self.waiting.peek().filter(|e| e.0.0 < time_ns) {
            let event = self.events[number - self.first_waiting].take();
            (self.emit)(event.expect("it waits once"));
            self.waiting.pop();
            while let Some(None) = self.events.front() {
                self.events.pop_front();
                self.first_waiting += 1;
            }
        }
    }

    /// One operation, which happens in the middle of its interval.
    fn step(&mut self, number: usize) {
        let client = self.below(3 * CLIENTS);
        let (region, client) = (client % 3, client / 3);
        let now = number as u64 * STEP_NS + 10_000_000;
        self.arrive(number, now);
        self.emit_before(now - REACH_NS);
        if self.free_ns[region][client] >= now {
            return;
        }
        let key = self.below(self.current.len());
        let call = self.free_ns[region][client].max(now - self.below(REACH) as u64) + 1;
        let end = now + 1 + self.below(REACH) as u64;
        self.free_ns[region][client] = end;
        let (op, reply) = if let Some(torn) = self.torn.take_if(|torn| torn.region == region) {
            read_both(torn.keys, torn.shown)
        } else if self.fault.has_transactions() && self.below(10) == 0 {
            self.transact(number, now, region, key)
        } else {
            match self.below(20) {
                0..10 => self.read(number, region, key),
                dice => self.write(number, now, region, key, dice),
            }
        };
        let process = ProcessId(u32::try_from(region * CLIENTS + client).expect("small"));
        let region = RegionId(u8::try_from(region).expect("three"));
        let mut event = |time_ns, kind: EventKind| {
            let number = self.first_waiting + self.events.len();
            let is_request = matches!(kind, EventKind::Invoke(_));
            self.waiting.push(Reverse((time_ns, is_request, number)));
            self.events.push_back(Some(Event {
                time_ns,
                process,
                region,
                phase: Phase::Main,
                kind,
            }));
        };
        event(call, EventKind::Invoke(op));
        event(end, EventKind::Ok(reply));
    }

    /// Whether this region wrote a version itself a while ago: whatever it wrote before had gone by then, and all that it writes now comes after.
    fn is_settled(&self, number: usize, region: usize, version: Version) -> bool {
        let is_old = version.time_us + 5_000 < i64::try_from(number).expect("short") * 50;
        is_old && usize::from(version.region) == region
    }

    /// Whether there was an item that this region replaced itself a while ago: whoever did so knows that it is gone from here.
    fn is_known_replaced(&self, number: usize, region: usize, key: usize) -> bool {
        let (current, before) = (self.current[key][region], self.before[key][region]);
        before.value != 0 && self.is_settled(number, region, current)
    }

    fn read(&mut self, number: usize, region: usize, key: usize) -> (Op, Reply) {
        let (current, before) = (self.current[key][region], self.before[key][region]);
        let mut shown = current;
        let fault = match current.value {
            0 => Fault::Resurrection,
            _ => Fault::StaleRead,
        };
        if self.is_known_replaced(number, region, key) && self.fails(number, fault) {
            shown = before;
        }
        let op = Op::Read {
            key: Key(key as u64),
            strength: Strength::Strong,
        };
        (op, Reply::Read(observed(shown)))
    }

    fn write(
        &mut self,
        number: usize,
        now: u64,
        region: usize,
        key: usize,
        dice: usize,
    ) -> (Op, Reply) {
        let before = self.current[key][region];
        let target = Key(key as u64);
        let own = i64::try_from(number).expect("short");
        let mut old = before;
        let op = match dice {
            19 => Op::Delete { key: target },
            16..19 if before.value != 0 => {
                let earlier = self.before[key][region];
                if self.is_known_replaced(number, region, key)
                    && self.fails(number, Fault::DoubleWinner)
                {
                    old = earlier;
                }
                Op::Cas {
                    key: target,
                    condition: Condition::Equals(value(old.value)),
                    value: value(own),
                }
            }
            _ => Op::Write {
                key: target,
                value: value(own),
            },
        };
        let is_dropped = dice < 16 && before.value != 0 && self.fails(number, Fault::DroppedWrite);
        if !is_dropped {
            self.put(now, region, key, if dice == 19 { 0 } else { own });
        }
        let old = Some(observed(old));
        (op, Reply::Done { old })
    }

    /// Two items at once, read or written.
    fn transact(&mut self, number: usize, now: u64, region: usize, key: usize) -> (Op, Reply) {
        let other = key + 1 + self.below(self.current.len() - 1);
        let keys = [key, other % self.current.len()];
        if self.below(2) == 0 {
            return read_both(keys, keys.map(|key| self.current[key][region]));
        }
        let own = i64::try_from(number).expect("short");
        for key in keys {
            self.put(now, region, key, own);
        }
        let (new, old) = (self.current[keys[0]][region], self.before[keys[1]][region]);
        // An older version from elsewhere might have come after this one, if nobody saw this one's stamp.
        let is_known_old = old.value != 0 && self.is_settled(number, region, old);
        if is_known_old && self.fails(number, Fault::TornTransaction) {
            self.torn = Some(Torn {
                region,
                keys,
                shown: [new, old],
            });
        }
        let write = |key| MicroOp::Write(Key(key as u64), value(own));
        let op = Op::Transact {
            ops: keys.map(write).to_vec(),
        };
        (op, Reply::Transact(vec![MicroReply::Done; 2]))
    }

    /// A region writes: other regions will have it later.
    fn put(&mut self, now: u64, region: usize, key: usize, value: i64) {
        let before = self.current[key][region];
        let clock_us = i64::try_from(now / 1000).expect("short");
        let version = Version {
            time_us: clock_us.max(before.time_us + 1),
            region: u8::try_from(region).expect("three"),
            value,
        };
        self.before[key][region] = before;
        self.current[key][region] = version;
        self.travelling.push_back((now + LAG_NS, key, version));
    }
}

/// A transaction that saw this.
fn read_both(keys: [usize; 2], shown: [Version; 2]) -> (Op, Reply) {
    let read = |key| MicroOp::Read(Key(key as u64));
    let ops = keys.map(read).to_vec();
    let seen = shown.map(|version| MicroReply::Read(observed(version)));
    (Op::Transact { ops }, Reply::Transact(seen.to_vec()))
}
