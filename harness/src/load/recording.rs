//! A load written down, so that a checker can judge it: what was put there before, every operation, and a last look at every item that was written.
//!
//! A page of items and heartbeats are not written down: leaving out what was read, and items of their own, hides nothing that is there. The history of one share is a
//! part: what it reads, others may have written. `dateline merge` joins them.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Instant,
};

use checker::history::{EventKind, Header, Key, Op, Phase, ProcessId, RegionId, Reply, Strength};
use tokio::task::JoinSet;
use workloads::load::Range;

use super::{LoadSettings, site::Site};
use crate::{client::Client, journal::Tape, stop::Stop};

/// How many last reads a region answers at a time.
const LAST_READERS: usize = 16;

/// How often a last read is asked again when it brought no answer. Each attempt is recorded.
const LAST_READ_ATTEMPTS: usize = 5;

/// The record of one load.
pub(crate) struct Recording {
    tape: Tape,
    next_process: AtomicU32,
    written: Mutex<BTreeSet<Key>>,
}

impl Recording {
    /// Begins it in the run folder, if it is asked for. Its times count from `begun`.
    pub(crate) fn begin(
        settings: &LoadSettings,
        folder: &Path,
        begun: Instant,
    ) -> io::Result<Option<Arc<Self>>> {
        if !settings.records {
            return Ok(None);
        }
        let header = Header {
            regions: settings.regions.clone(),
            workload: Some(settings.choice.entry.name.to_owned()),
            seed: Some(settings.common.seed),
            // Whether other stores show theirs, nobody asked.
            stamps_visible: settings.elsewhere.is_none() && settings.common.place.stamps_visible(),
            ..Header::default()
        };
        Ok(Some(Arc::new(Self {
            tape: Tape::create(folder, &header, begun)?,
            next_process: AtomicU32::new(0),
            written: Mutex::default(),
        })))
    }

    /// Reads everything that was written, strongly, in every region. Returns how much of it brought no answer.
    pub(crate) async fn last_look(
        self: &Arc<Self>,
        site: &Site,
        settings: &LoadSettings,
        stop: &Stop,
    ) -> u64 {
        let keys: Arc<[Key]> = self.written().iter().copied().collect();
        let mut readers = JoinSet::new();
        for region in 0..settings.regions.len() {
            let region = RegionId(u8::try_from(region).expect("at most twelve regions"));
            let next = Arc::new(AtomicUsize::new(0));
            for _reader in 0..LAST_READERS.min(keys.len()) {
                let client = site.client(region).padded(settings.padding());
                let client = Recorded::new(client, region, Some(self));
                readers.spawn(read_all(client, keys.clone(), next.clone(), stop.clone()));
            }
        }
        readers.join_all().await.into_iter().sum()
    }

    /// Ends it.
    ///
    /// # Errors
    /// The first write that failed: a history with a hole in it proves nothing.
    pub(crate) fn end(&self) -> Result<(), String> {
        self.tape.flush();
        self.tape.failure().map_or(Ok(()), Err)
    }

    /// A process that never asked for anything.
    fn process(&self) -> ProcessId {
        ProcessId(self.next_process.fetch_add(1, Ordering::Relaxed))
    }

    fn written(&self) -> std::sync::MutexGuard<'_, BTreeSet<Key>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client whose operations are written down, where that is asked for.
pub(crate) struct Recorded {
    client: Client,
    record: Option<Record>,
}

/// As whom, and where.
struct Record {
    recording: Arc<Recording>,
    process: ProcessId,
    region: RegionId,
}

impl Recorded {
    pub(crate) fn new(
        client: Client,
        region: RegionId,
        recording: Option<&Arc<Recording>>,
    ) -> Self {
        let record = recording.map(|recording| Record {
            process: recording.process(),
            recording: recording.clone(),
            region,
        });
        Self { client, record }
    }

    /// Does one operation, once.
    pub(crate) async fn attempt(&mut self, op: &Op) -> EventKind {
        self.attempt_in(Phase::Main, op).await
    }

    /// Reads a page of items.
    pub(crate) async fn page(&mut self, range: Range) -> Option<&'static str> {
        self.client.page(range.after, range.items).await
    }

    async fn attempt_in(&mut self, phase: Phase, op: &Op) -> EventKind {
        if let Some(record) = &self.record {
            record.asks(phase, op);
        }
        let outcome = self.client.attempt(op).await;
        if let Some(record) = &mut self.record {
            record.ends(phase, outcome.clone());
        }
        outcome
    }
}

impl Record {
    fn asks(&self, phase: Phase, op: &Op) {
        if let (true, Some(key)) = (is_write(op), op.key()) {
            self.recording.written().insert(key);
        }
        self.note(phase, EventKind::Invoke(op.clone()));
    }

    /// After an outcome that nobody knows its process never acts again.
    fn ends(&mut self, phase: Phase, outcome: EventKind) {
        let is_unknown = matches!(outcome, EventKind::Info { .. });
        self.note(phase, outcome);
        if is_unknown {
            self.process = self.recording.process();
        }
    }

    fn note(&self, phase: Phase, kind: EventKind) {
        let tape = &self.recording.tape;
        tape.record(self.process, self.region, phase, kind);
    }
}

fn is_write(op: &Op) -> bool {
    match op {
        Op::Write { .. } | Op::Delete { .. } | Op::Cas { .. } => true,
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => true,
        Op::Read { .. } | Op::Transact { .. } | Op::Scan | Op::Stream => false,
    }
}

async fn read_all(
    mut client: Recorded,
    keys: Arc<[Key]>,
    next: Arc<AtomicUsize>,
    stop: Stop,
) -> u64 {
    let mut unanswered = 0;
    while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
        let op = Op::Read {
            key: *key,
            strength: Strength::Strong,
        };
        let mut is_answered = false;
        for _attempt in 0..LAST_READ_ATTEMPTS {
            if is_answered || stop.is_set() {
                break;
            }
            let outcome = client.attempt_in(Phase::Final, &op).await;
            is_answered = matches!(outcome, EventKind::Ok(Reply::Read(_)));
        }
        unanswered += u64::from(!is_answered);
    }
    unanswered
}
