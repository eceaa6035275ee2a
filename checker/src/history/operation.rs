//! Operations: invocations paired with their completions, and everything that can be wrong with the pairing.

use super::{Event, EventKind, Header, Observed, Op, Phase, ProcessId, RegionId, Reply};
use crate::table::Table;

/// A whole history, ready to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What is known about it as a whole.
    pub header: Header,
    /// All operations, in the order of their invocations.
    pub operations: Vec<Operation>,
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Line of the invocation (the header is line 1).
    pub line_invoke: u64,
    /// Line of the completion, if there is one.
    pub line_complete: Option<u64>,
    /// Who asked.
    pub process: ProcessId,
    /// Whom.
    pub region: RegionId,
    /// In which part of the run it was asked.
    pub phase: Phase,
    /// What was asked.
    pub op: Op,
    /// When it was asked, nanoseconds since the run began.
    pub call_ns: u64,
    /// When it was answered; `None` when its outcome is unknown.
    pub return_ns: Option<u64>,
    /// What became of it.
    pub ending: Ending,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It succeeded.
    Ok(Reply),
    /// It definitely did not happen.
    Failed {
        /// The error code.
        error: String,
        /// The item that made its condition fail, when returned.
        seen: Option<Observed>,
    },
    /// Nobody knows whether it happened, or will happen. `error` is absent when the history ends while it is in flight.
    Unknown {
        /// The error code.
        error: Option<String>,
    },
}

/// Lines that are well formed but do not make sense together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// Two completions of one invocation.
    #[error(
        "line {line}: a second completion of the operation that process {process} began on line {line_invoke}; it was completed on line {line_first} already"
    )]
    DuplicateCompletion {
        /// Where.
        line: u64,
        /// Whose.
        process: u32,
        /// Line of the invocation.
        line_invoke: u64,
        /// Line of the first completion.
        line_first: u64,
    },
    /// A completion of a process that never asked for anything.
    #[error("line {line}: process {process} completes an operation, but has never invoked one")]
    CompletionWithoutInvocation {
        /// Where.
        line: u64,
        /// Whose.
        process: u32,
    },
    /// An event lies before its predecessor.
    #[error(
        "line {line}: time runs backwards, from {before_ns} ns on the line before to {time_ns} ns"
    )]
    TimeBackwards {
        /// Where.
        line: u64,
        /// The time of the line before.
        before_ns: u64,
        /// The time of this line.
        time_ns: u64,
    },
    /// A process began an operation while another was in flight.
    #[error(
        "line {line}: process {process} begins an operation while the one it began on line {line_invoke} is still open; a process has at most one in flight"
    )]
    TwoOpenOperations {
        /// Where.
        line: u64,
        /// Whose.
        process: u32,
        /// Line of the invocation that is open.
        line_invoke: u64,
    },
    /// A process acted after an operation whose outcome it does not know.
    #[error(
        "line {line}: process {process} acts again after the unknown outcome on line {line_info}; its successor needs a new id"
    )]
    ActsAfterInfo {
        /// Where.
        line: u64,
        /// Whose.
        process: u32,
        /// Line of the `info` event.
        line_info: u64,
    },
    /// A completion says another region or another kind of reply than its invocation asks for.
    #[error(
        "line {line}: process {process} completes with {found}, but on line {line_invoke} it asked for {expected}"
    )]
    WrongCompletion {
        /// Where.
        line: u64,
        /// Whose.
        process: u32,
        /// Line of the invocation.
        line_invoke: u64,
        /// What the invocation asks for.
        expected: String,
        /// What the completion is.
        found: String,
    },
}

/// Pairs events as they come.
#[derive(Debug, Default)]
pub struct Pairing {
    operations: Vec<Operation>,
    processes: Processes,
}

impl Pairing {
    /// Takes the next event.
    ///
    /// # Errors
    /// When it cannot follow what came before.
    pub fn push(&mut self, line: u64, event: Event) -> Result<(), StructureError> {
        self.processes.advance(line, event.time_ns)?;
        match Moment::new(line, event) {
            Moment::Request(operation) => {
                let place = self.operations.len();
                self.processes.invoke(line, operation.process, place)?;
                self.operations.push(operation);
            }
            Moment::Answer(answer) => {
                let place = self.processes.open(line, answer.process)?;
                self.processes
                    .complete(&mut self.operations[place], answer)?;
            }
        }
        Ok(())
    }

    /// The operations so far; those in flight count as of unknown outcome.
    #[must_use]
    pub fn finish(self, header: Header) -> History {
        History {
            header,
            operations: self.operations,
        }
    }
}

/// Pairs events as they come, and keeps only what is in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// Operations in flight, by place.
    open: Vec<Option<Operation>>,
    /// Places that hold none.
    free: Vec<usize>,
    processes: Processes,
}

impl InFlight {
    /// Takes the next event. Returns the operation that it ends, if it ends one.
    pub(crate) fn push(
        &mut self,
        line: u64,
        event: Event,
    ) -> Result<Option<Operation>, StructureError> {
        self.processes.advance(line, event.time_ns)?;
        match Moment::new(line, event) {
            Moment::Request(operation) => {
                let place = self.free.last().copied().unwrap_or(self.open.len());
                self.processes.invoke(line, operation.process, place)?;
                match self.free.pop() {
                    Some(place) => self.open[place] = Some(operation),
                    None => self.open.push(Some(operation)),
                }
                Ok(None)
            }
            Moment::Answer(answer) => {
                let place = self.processes.open(line, answer.process)?;
                let operation = self.open[place].as_mut().expect("it is in flight");
                self.processes.complete(operation, answer)?;
                self.free.push(place);
                Ok(self.open[place].take())
            }
        }
    }

    /// What is still in flight, in the order of the invocations.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut open: Vec<Operation> = self.open.iter().flatten().cloned().collect();
        open.sort_by_key(|o| o.line_invoke);
        open
    }
}

/// An event, as what it means for an operation.
enum Moment {
    Request(Operation),
    Answer(Answer),
}

/// How an operation ends.
struct Answer {
    line: u64,
    process: ProcessId,
    region: RegionId,
    ending: Ending,
    return_ns: Option<u64>,
}

impl Moment {
    fn new(line: u64, event: Event) -> Self {
        let (ending, return_ns) = match event.kind {
            EventKind::Invoke(op) => {
                return Self::Request(Operation {
                    line_invoke: line,
                    line_complete: None,
                    process: event.process,
                    region: event.region,
                    phase: event.phase,
                    op,
                    call_ns: event.time_ns,
                    return_ns: None,
                    ending: Ending::Unknown { error: None },
                });
            }
            EventKind::Ok(reply) => (Ending::Ok(reply), Some(event.time_ns)),
            EventKind::Fail { error, seen } => {
                (Ending::Failed { error, seen }, Some(event.time_ns))
            }
            EventKind::Info { error } => (Ending::Unknown { error: Some(error) }, None),
        };
        Self::Answer(Answer {
            line,
            process: event.process,
            region: event.region,
            ending,
            return_ns,
        })
    }
}

/// What may follow what: time, and what each process did last.
#[derive(Debug, Default)]
struct Processes {
    last: Table<Activity>,
    time_ns: u64,
}

/// What a process did last.
#[derive(Clone, Copy, Debug)]
struct Activity {
    line_invoke: u64,
    state: State,
}

/// How far its last operation has come; lines are those of its completion.
#[derive(Clone, Copy, Debug)]
enum State {
    /// In flight, at this place of whoever keeps the operations.
    Open(usize),
    Completed(u64),
    Indeterminate(u64),
}

impl Processes {
    fn advance(&mut self, line: u64, time_ns: u64) -> Result<(), StructureError> {
        if time_ns < self.time_ns {
            let before_ns = self.time_ns;
            return Err(StructureError::TimeBackwards {
                line,
                before_ns,
                time_ns,
            });
        }
        self.time_ns = time_ns;
        Ok(())
    }

    /// Notes that a process begins an operation, which will lie at this place.
    fn invoke(&mut self, line: u64, id: ProcessId, place: usize) -> Result<(), StructureError> {
        let process = id.0;
        let own = Activity {
            line_invoke: line,
            state: State::Open(place),
        };
        let Some(last) = self.last.get_mut(i64::from(process)) else {
            self.last.insert(i64::from(process), own);
            return Ok(());
        };
        match last.state {
            State::Completed(_) => {
                *last = own;
                Ok(())
            }
            State::Open(_) => Err(StructureError::TwoOpenOperations {
                line,
                process,
                line_invoke: last.line_invoke,
            }),
            State::Indeterminate(line_info) => Err(StructureError::ActsAfterInfo {
                line,
                process,
                line_info,
            }),
        }
    }

    /// The place of the operation that a process has in flight.
    fn open(&self, line: u64, id: ProcessId) -> Result<usize, StructureError> {
        let process = id.0;
        let Some(last) = self.last.get(i64::from(process)) else {
            return Err(StructureError::CompletionWithoutInvocation { line, process });
        };
        match last.state {
            State::Open(place) => Ok(place),
            State::Completed(line_first) | State::Indeterminate(line_first) => {
                Err(StructureError::DuplicateCompletion {
                    line,
                    process,
                    line_invoke: last.line_invoke,
                    line_first,
                })
            }
        }
    }

    /// Ends an operation.
    fn complete(
        &mut self,
        operation: &mut Operation,
        answer: Answer,
    ) -> Result<(), StructureError> {
        fits(operation, &answer.ending, answer.region, answer.line)?;
        operation.line_complete = Some(answer.line);
        operation.return_ns = answer.return_ns;
        operation.ending = answer.ending;
        let last = self.last.get_mut(i64::from(answer.process.0));
        last.expect("it has an operation in flight").state = match answer.return_ns {
            Some(_) => State::Completed(answer.line),
            None => State::Indeterminate(answer.line),
        };
        Ok(())
    }
}

/// Whether a completion can belong to its invocation.
fn fits(
    operation: &Operation,
    ending: &Ending,
    region: RegionId,
    line: u64,
) -> Result<(), StructureError> {
    let wrong = |expected: String, found: String| {
        let (process, line_invoke) = (operation.process.0, operation.line_invoke);
        Err(StructureError::WrongCompletion {
            line,
            process,
            line_invoke,
            expected,
            found,
        })
    };
    if region != operation.region {
        let name = |r: RegionId| format!("region number {}", r.0);
        return wrong(name(operation.region), name(region));
    }
    let Ending::Ok(reply) = ending else {
        return Ok(());
    };
    let (expected, fits) = match &operation.op {
        Op::Read { .. } => ("a read", matches!(reply, Reply::Read(_))),
        Op::Write { .. }
        | Op::Cas { .. }
        | Op::Delete { .. }
        | Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. } => ("a write", matches!(reply, Reply::Done { .. })),
        Op::Transact { ops } => (
            "a transaction",
            matches!(reply, Reply::Transact(r) if r.len() == ops.len()),
        ),
        Op::Scan => ("a scan", matches!(reply, Reply::Scan(_))),
        Op::Stream => ("a stream fetch", matches!(reply, Reply::Stream(_))),
    };
    if fits {
        return Ok(());
    }
    let found = match reply {
        Reply::Read(_) => "the answer to a read",
        Reply::Done { .. } => "the answer to a write",
        Reply::Transact(_) => "the answer to a transaction of another length",
        Reply::Scan(_) => "the answer to a scan",
        Reply::Stream(_) => "the answer to a stream fetch",
    };
    wrong(expected.to_owned(), found.to_owned())
}
