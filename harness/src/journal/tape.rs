//! `history.jsonl`, written while it happens.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::Path,
    sync::Mutex,
    time::Instant,
};

use checker::history::{Event, EventKind, Header, Phase, ProcessId, RegionId, ndjson::Writer};

use super::{Counts, locked};

/// The record of every operation of a run.
pub(crate) struct Tape {
    begun: Instant,
    history: Mutex<History>,
}

struct History {
    writer: Writer<BufWriter<File>>,
    counts: Counts,
    failure: Option<io::Error>,
}

impl Tape {
    /// Opens the file in the run folder. Its times count from `begun`.
    pub(crate) fn create(folder: &Path, header: &Header, begun: Instant) -> io::Result<Self> {
        let file =
            BufWriter::with_capacity(1 << 16, File::create_new(folder.join("history.jsonl"))?);
        let history = History {
            writer: Writer::new(file, header)?,
            counts: Counts::default(),
            failure: None,
        };
        let tape = Self {
            begun,
            history: Mutex::new(history),
        };
        tape.flush();
        Ok(tape)
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When the run began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Records one event, now.
    pub(crate) fn record(
        &self,
        process: ProcessId,
        region: RegionId,
        phase: Phase,
        kind: EventKind,
    ) {
        let mut history = locked(&self.history);
        let event = Event {
            time_ns: self.now_ns(),
            process,
            region,
            phase,
            kind,
        };
        history.counts.add(&event.kind);
        if let Err(error) = history.writer.write(&event) {
            history.failure.get_or_insert(error);
        }
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&self) {
        let mut history = locked(&self.history);
        if let Err(error) = history.writer.flush() {
            history.failure.get_or_insert(error);
        }
    }

    /// The first write that failed, if any did.
    pub(crate) fn failure(&self) -> Option<String> {
        let history = locked(&self.history);
        let failure = history.failure.as_ref();
        failure.map(|error| format!("history.jsonl: {error}"))
    }

    /// Operations so far.
    pub(crate) fn counts(&self) -> Counts {
        locked(&self.history).counts
    }
}
