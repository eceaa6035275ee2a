//! The histories of several shares, joined into one that holds whatever their clocks did.
//!
//! Each share's times are put on the axis of all; what may be off there by some time begins earlier and ends later by as much, so nothing seems to come before
//! anything that it may have overlapped. Requests and answers are read separately, as both are in their order still and their mixture is not. Processes are numbered
//! anew, since one of a share may now seem to ask before it was answered.
//!
//! A last look counts only if everybody else had ended before it: those of the share that ended last. Others' are reads like all.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{BufReader, BufWriter},
    iter::Peekable,
    path::{Path, PathBuf},
};

use checker::history::{
    Event, EventKind, Header, Phase, ProcessId,
    ndjson::{ReadError, Reader, Writer},
};

/// One share's history, and where its times lie.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// By how much its zero is later than that of all.
    pub(super) later_ns: u64,
    /// By how much that may be wrong; no more than `later_ns`.
    pub(super) within_ns: u64,
}

/// Why histories cannot be joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("{path}: {error}")]
    Read { path: String, error: ReadError },
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error(
        "{path}: it has other regions, another workload or another seed than the first; these are not shares of one load"
    )]
    Differs { path: String },
}

/// Joins them into a file.
pub(super) fn join(parts: &[Part], out: &Path) -> Result<(), JoinError> {
    let header = header(parts)?;
    let ends: Vec<Ends> = parts.iter().map(Part::ends).collect::<Result<_, _>>()?;
    let last_looks = last_looks(&ends);
    let told = |error| JoinError::File {
        path: out.display().to_string(),
        error,
    };
    let file = BufWriter::new(File::create_new(out).map_err(told)?);
    let mut writer = Writer::new(file, &header).map_err(told)?;
    let mut streams = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for half in [Half::Requests, Half::Answers] {
            let events = part.half(half)?.map(move |event| event.map(|e| (index, e)));
            streams.push(events.peekable());
        }
    }
    let mut processes = Processes::default();
    while let Some((index, event)) = earliest(&mut streams)? {
        let phase = match event.phase {
            Phase::Final if last_looks == Some(index) => Phase::Final,
            Phase::Final | Phase::Main => Phase::Main,
        };
        let process = processes.of(index, &event);
        let event = Event {
            phase,
            process,
            ..event
        };
        writer.write(&event).map_err(told)?;
    }
    writer.flush().map_err(told)
}

/// What all say of themselves.
fn header(parts: &[Part]) -> Result<Header, JoinError> {
    let mut first: Option<Header> = None;
    for part in parts {
        let own = part.reader()?.header().clone();
        match &first {
            Some(first) if *first != own => return Err(JoinError::Differs { path: part.name() }),
            Some(_) => {}
            None => first = Some(own),
        }
    }
    Ok(first.unwrap_or_default())
}

/// Half of a history.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Requests,
    Answers,
}

impl Half {
    fn of(event: &Event) -> Self {
        match event.kind {
            EventKind::Invoke(_) => Self::Requests,
            EventKind::Ok(_) | EventKind::Fail { .. } | EventKind::Info { .. } => Self::Answers,
        }
    }
}

/// When a share was done, on the axis of all.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    /// The last thing that it did before its last look.
    main_ns: u64,
    /// The beginning of its last look.
    look_ns: Option<u64>,
}

/// The share whose last look came after everything that all others did.
fn last_looks(ends: &[Ends]) -> Option<usize> {
    let is_after_all = |own: usize, look_ns: u64| {
        let mut others = ends.iter().enumerate().filter(|(other, _)| *other != own);
        others.all(|(_, other)| other.main_ns < ends[own].main_ns && other.main_ns < look_ns)
    };
    let looks = ends.iter().enumerate();
    let mut looks = looks.filter_map(|(own, ends)| Some((own, ends.look_ns?)));
    looks
        .find(|(own, look_ns)| is_after_all(*own, *look_ns))
        .map(|(own, _)| own)
}

impl Part {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn reader(&self) -> Result<Reader<BufReader<File>>, JoinError> {
        let file = File::open(&self.path).map_err(|error| JoinError::File {
            path: self.name(),
            error,
        })?;
        Reader::new(BufReader::new(file)).map_err(|error| JoinError::Read {
            path: self.name(),
            error,
        })
    }

    /// Its events on the axis of all, in the order of the file: what may be off begins earlier and ends later.
    fn events(&self) -> Result<impl Iterator<Item = Result<Event, JoinError>>, JoinError> {
        let (path, later_ns, within_ns) = (self.name(), self.later_ns, self.within_ns);
        let events = self.reader()?.map(move |event| {
            let (_, mut event) = event.map_err(|error| JoinError::Read {
                path: path.clone(),
                error,
            })?;
            let moved_ns = event.time_ns.saturating_add(later_ns);
            event.time_ns = match Half::of(&event) {
                Half::Requests => moved_ns.saturating_sub(within_ns),
                Half::Answers => moved_ns.saturating_add(within_ns),
            };
            Ok(event)
        });
        Ok(events)
    }

    /// Half of them, which is in the order of time.
    fn half(
        &self,
        half: Half,
    ) -> Result<impl Iterator<Item = Result<Event, JoinError>>, JoinError> {
        let is_wanted = move |event: &Result<Event, JoinError>| match event {
            Ok(event) => Half::of(event) == half,
            Err(_) => true,
        };
        Ok(self.events()?.filter(is_wanted))
    }

    fn ends(&self) -> Result<Ends, JoinError> {
        let mut ends = Ends::default();
        for event in self.events()? {
            let event = event?;
            match event.phase {
                Phase::Main => ends.main_ns = ends.main_ns.max(event.time_ns),
                Phase::Final => {
                    let first_ns = ends.look_ns.unwrap_or(u64::MAX);
                    ends.look_ns = Some(first_ns.min(event.time_ns));
                }
            }
        }
        Ok(ends)
    }
}

/// The next event of all; of those at one moment requests first, so that they overlap.
fn earliest<I: Iterator<Item = Result<(usize, Event), JoinError>>>(
    streams: &mut [Peekable<I>],
) -> Result<Option<(usize, Event)>, JoinError> {
    let mut best: Option<((u64, bool), usize)> = None;
    for (place, stream) in streams.iter_mut().enumerate() {
        let rank = match stream.peek() {
            None => continue,
            // What is wrong is told at once.
            Some(Err(_)) => (0, false),
            Some(Ok((_, event))) => (event.time_ns, Half::of(event) == Half::Answers),
        };
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, place));
        }
    }
    match best {
        None => Ok(None),
        Some((_, place)) => streams[place].next().transpose(),
    }
}

/// Numbers of processes: each has one operation in flight, and none after an outcome that nobody knows.
#[derive(Default)]
struct Processes {
    /// What each process of each share has in flight, in its order.
    open: BTreeMap<(usize, ProcessId), VecDeque<ProcessId>>,
    free: Vec<ProcessId>,
    next: u32,
}

impl Processes {
    fn of(&mut self, share: usize, event: &Event) -> ProcessId {
        let open = self.open.entry((share, event.process)).or_default();
        if Half::of(event) == Half::Requests {
            let process = self.free.pop().unwrap_or_else(|| {
                self.next += 1;
                ProcessId(self.next - 1)
            });
            open.push_back(process);
            return process;
        }
        let process = open.pop_front().expect("the reader pairs what it reads");
        if !matches!(event.kind, EventKind::Info { .. }) {
            self.free.push(process);
        }
        process
    }
}

#[cfg(test)]
mod tests {
    use checker::{
        history::{one_line_events, read_history},
        verdict::Outcome,
    };

    use super::*;

    const MS: u64 = 1_000_000;

    /// Histories of shares as one line each, times in milliseconds, with by how much each is later and within what.
    fn joined(parts: &[(&str, u64, u64)]) -> (checker::history::History, Outcome) {
        let folder = tempfile::tempdir().expect("a folder");
        let part = |(index, (text, later_ms, within_ms)): (usize, &(&str, u64, u64))| {
            let path = folder.path().join(format!("{index}.jsonl"));
            let (mut header, events) = one_line_events(text).expect("well formed");
            header.regions = vec!["eu".into(), "us".into()];
            let mut writer =
                Writer::new(File::create(&path).expect("a file"), &header).expect("written");
            for event in events {
                writer.write(&event).expect("written");
            }
            Part {
                path,
                later_ns: later_ms * MS,
                within_ns: within_ms * MS,
            }
        };
        let parts: Vec<Part> = parts.iter().enumerate().map(part).collect();
        let out = folder.path().join("all.jsonl");
        join(&parts, &out).expect("they fit");
        let history = read_history(&out).expect("well formed");
        let outcome = checker::check(&history, &["region-linearizable"]).outcome;
        (history, outcome)
    }

    #[test]
    fn what_may_have_overlapped_overlaps() {
        let writer = "eu:r-[0-1] us:w1[10-20] us:w2[30-40] us:r2[60-70]F eu:r2[60-70]F";
        // The other share read 1 at 45 of its own clock, which began 3 later, give or take 10: perhaps before 2 was there.
        let reader = "eu:r-[0-1] us:r1[41-42]";
        let (history, outcome) = joined(&[(writer, 10, 0), (reader, 13, 10)]);
        assert_eq!(outcome, Outcome::Valid);
        let read = history.operations.iter().find(|o| o.call_ns == 44 * MS);
        assert_eq!(read.and_then(|o| o.return_ns), Some(65 * MS), "{history:?}");
        let (_, outcome) = joined(&[(writer, 10, 0), (reader, 13, 1)]);
        assert_eq!(outcome, Outcome::Invalid, "it is known to be stale");
    }

    /// Two operations of one process that are close together overlap when they are widened.
    #[test]
    fn processes_have_one_operation_in_flight() {
        let close = "0/eu:r-[0-1] 0/us:w1[2-3] 0/us:w2[4-5] 0/us:w3[6-?] 1/us:r2[9-10]";
        let (history, _) = joined(&[(close, 20, 5), (close, 20, 0)]);
        assert_eq!(history.operations.len(), 10);
        let ids = |from: usize| history.operations[from].process;
        assert_ne!(ids(0), ids(1), "{history:?}");
    }

    #[test]
    fn only_who_ends_last_has_looked_last() {
        let early = "eu:r-[0-1] us:w1[2-3] us:r1[5-6]F eu:r-[5-6]F";
        let late = "eu:r-[0-1] us:w2[7-20] us:r2[30-31]F eu:r2[30-31]F";
        let finals = |history: &checker::history::History| {
            let finals = history
                .operations
                .iter()
                .filter(|o| o.phase == Phase::Final);
            finals.map(|o| o.call_ns / MS).collect::<Vec<_>>()
        };
        let (history, outcome) = joined(&[(early, 0, 0), (late, 0, 0)]);
        assert_eq!((finals(&history), outcome), (vec![30, 30], Outcome::Valid));
        // Nobody knows who ended last.
        let (history, _) = joined(&[(late, 15, 15), (late, 15, 15)]);
        assert!(finals(&history).is_empty());
    }
}
