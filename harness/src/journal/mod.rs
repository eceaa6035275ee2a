//! What happened, written while it happens: `history.jsonl` and `timeline.jsonl`, on one clock.
//!
//! The time of an event is taken under the lock that orders the file, so the history is in time order by construction. Lines
//! are buffered and flushed by [`Journal::flush`], which the run calls every [`FLUSH_EVERY`]; a harness that is killed loses
//! no more than that. A failed write is kept and ends the run: a history with a hole in it proves nothing.

mod counts;

mod tape;

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use checker::history::{EventKind, Header, Phase, ProcessId, RegionId};
use reports::run_folder::{FaultAction, FaultResult, Moment};

pub(crate) use counts::Counts;
pub(crate) use tape::Tape;

/// How long a line may wait in a buffer.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// The record of one run.
pub(crate) struct Journal {
    tape: Tape,
    timeline: Mutex<Timeline>,
}

struct Timeline {
    file: File,
    phase: String,
    /// Faults that hold now: their numbers and what they are.
    active: Vec<(u64, String)>,
    failure: Option<io::Error>,
}

impl Journal {
    /// Opens both files in the run folder. The run's clock starts here.
    pub(crate) fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        let timeline = Timeline {
            file: File::create_new(folder.join("timeline.jsonl"))?,
            phase: String::new(),
            active: Vec::new(),
            failure: None,
        };
        Ok(Self {
            tape: Tape::create(folder, header, Instant::now())?,
            timeline: Mutex::new(timeline),
        })
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now_ns(&self) -> u64 {
        self.tape.now_ns()
    }

    /// The instant that a time of the run stands for.
    pub(crate) fn instant(&self, time_ns: u64) -> Instant {
        self.tape.begun() + Duration::from_nanos(time_ns)
    }

    /// Records one event, now.
    pub(crate) fn record(
        &self,
        process: ProcessId,
        region: RegionId,
        phase: Phase,
        kind: EventKind,
    ) {
        self.tape.record(process, region, phase, kind);
    }

    /// Notes that a phase began, now.
    pub(crate) fn phase(&self, name: &str) {
        self.moment(&Moment::Phase {
            t: self.now_ns(),
            name: name.to_owned(),
        });
    }

    /// Writes one line of the timeline.
    pub(crate) fn moment(&self, moment: &Moment) {
        let mut timeline = locked(&self.timeline);
        match moment {
            Moment::Phase { name, .. } => timeline.phase.clone_from(name),
            Moment::Fault {
                id,
                fault,
                what,
                action: FaultAction::Start,
                result,
                ..
            } => {
                if *result != FaultResult::Skipped {
                    timeline.active.push((*id, format!("{fault}: {what}")));
                }
            }
            Moment::Fault {
                id,
                action: FaultAction::Stop,
                result,
                ..
            } => {
                if *result == FaultResult::Installed {
                    timeline.active.retain(|(active, _)| active != id);
                }
            }
        }
        let mut line = serde_json::to_vec(moment).expect("moments are plain data");
        line.push(b'\n');
        // In one call, unbuffered: moments are rare and matter most when the harness dies.
        if let Err(error) = timeline.file.write_all(&line) {
            timeline.failure.get_or_insert(error);
        }
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&self) {
        self.tape.flush();
    }

    /// The first write that failed, if any did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.tape.failure().or_else(|| {
            let timeline = locked(&self.timeline);
            let failure = timeline.failure.as_ref();
            failure.map(|error| format!("timeline.jsonl: {error}"))
        })
    }

    /// Operations so far.
    pub(crate) fn counts(&self) -> Counts {
        self.tape.counts()
    }

    /// The phase and the faults that hold now, for the progress display.
    pub(crate) fn state(&self) -> (String, Vec<String>) {
        let timeline = locked(&self.timeline);
        let faults = timeline
            .active
            .iter()
            .map(|(_, what)| what.clone())
            .collect();
        (timeline.phase.clone(), faults)
    }
}

/// A thread that panicked while it held the lock left a whole line or none: what is there is still worth keeping.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
