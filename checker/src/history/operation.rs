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

impl Ending {
    pub(crate) fn became(&self) -> Became {
        match self {
            Self::Ok(_) => Became::Ok,
            Self::Failed { .. } => Became::Failed,
            Self::Unknown { .. } => Became::Unknown,
        }
    }
}

/// What became of a request, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    Ok,
    Failed,
    Unknown,
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
                let (process, place) = self.processes.open(line, answer.process)?;
                let operation = &mut self.operations[place];
                let request = Request::of(operation);
                self.processes
                    .complete(process, &request, &answer.completion())?;
                answer.end(operation);
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

/// An event, as what it means for an operation.
pub(super) enum Moment {
    Request(Operation),
    Answer(Answer),
}

/// How an operation ends.
pub(super) struct Answer {
    pub(super) line: u64,
    pub(super) process: ProcessId,
    pub(super) region: RegionId,
    pub(super) ending: Ending,
    pub(super) return_ns: Option<u64>,
}

impl Answer {
    /// What of it must fit the request.
    pub(super) fn completion(&self) -> Completion {
        Completion {
            line: self.line,
            process: self.process,
            region: self.region,
            reply: match &self.ending {
                Ending::Ok(reply) => Some(reply.shape()),
                Ending::Failed { .. } | Ending::Unknown { .. } => None,
            },
            is_known: self.return_ns.is_some(),
        }
    }

    /// Ends the operation that it answers.
    pub(super) fn end(self, operation: &mut Operation) {
        operation.line_complete = Some(self.line);
        operation.return_ns = self.return_ns;
        operation.ending = self.ending;
    }
}

impl Moment {
    pub(super) fn new(line: u64, event: Event) -> Self {
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

/// What must fit between a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Read,
    Write,
    Transaction { step_count: usize },
    Scan,
    Stream,
}

impl Op {
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Read { .. } => Shape::Read,
            Self::Write { .. }
            | Self::Cas { .. }
            | Self::Delete { .. }
            | Self::AddToSet { .. }
            | Self::Increment { .. }
            | Self::Append { .. } => Shape::Write,
            Self::Transact { ops } => Shape::Transaction {
                step_count: ops.len(),
            },
            Self::Scan => Shape::Scan,
            Self::Stream => Shape::Stream,
        }
    }
}

impl Reply {
    fn shape(&self) -> Shape {
        match self {
            Self::Read(_) => Shape::Read,
            Self::Done { .. } => Shape::Write,
            Self::Transact(results) => Shape::Transaction {
                step_count: results.len(),
            },
            Self::Scan(_) => Shape::Scan,
            Self::Stream(_) | Self::StreamAnew(_) => Shape::Stream,
        }
    }
}

/// A request, as far as its answer must fit it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) line: u64,
    pub(super) region: RegionId,
    pub(super) shape: Shape,
}

impl Request {
    pub(super) fn of(operation: &Operation) -> Self {
        Self {
            line: operation.line_invoke,
            region: operation.region,
            shape: operation.op.shape(),
        }
    }
}

/// An answer, as far as it must fit its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    pub(super) line: u64,
    pub(super) process: ProcessId,
    pub(super) region: RegionId,
    /// What a success answers.
    pub(super) reply: Option<Shape>,
    /// Whether the outcome is known.
    pub(super) is_known: bool,
}

/// What may follow what: time, and what each process did last.
#[derive(Debug, Default)]
pub(super) struct Processes {
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
    pub(super) fn advance(&mut self, line: u64, time_ns: u64) -> Result<(), StructureError> {
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
    pub(super) fn invoke(
        &mut self,
        line: u64,
        id: ProcessId,
        place: usize,
    ) -> Result<(), StructureError> {
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

    /// The place of a process here, and that of the operation that it has in flight.
    pub(super) fn open(&self, line: u64, id: ProcessId) -> Result<(usize, usize), StructureError> {
        let process = id.0;
        let Some(own) = self.last.find(i64::from(process)) else {
            return Err(StructureError::CompletionWithoutInvocation { line, process });
        };
        let last = self.last.at(own);
        match last.state {
            State::Open(place) => Ok((own, place)),
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

    /// Ends the operation of the process that lies at this place here.
    pub(super) fn complete(
        &mut self,
        process: usize,
        request: &Request,
        completion: &Completion,
    ) -> Result<(), StructureError> {
        fits(request, completion)?;
        self.last.at_mut(process).state = if completion.is_known {
            State::Completed(completion.line)
        } else {
            State::Indeterminate(completion.line)
        };
        Ok(())
    }
}

/// Whether a completion can belong to its invocation.
fn fits(request: &Request, completion: &Completion) -> Result<(), StructureError> {
    let wrong = |expected: String, found: String| {
        Err(StructureError::WrongCompletion {
            line: completion.line,
            process: completion.process.0,
            line_invoke: request.line,
            expected,
            found,
        })
    };
    if completion.region != request.region {
        let name = |r: RegionId| format!("region number {}", r.0);
        return wrong(name(request.region), name(completion.region));
    }
    let Some(reply) = completion.reply.filter(|reply| *reply != request.shape) else {
        return Ok(());
    };
    let expected = match request.shape {
        Shape::Read => "a read",
        Shape::Write => "a write",
        Shape::Transaction { .. } => "a transaction",
        Shape::Scan => "a scan",
        Shape::Stream => "a stream fetch",
    };
    let found = match reply {
        Shape::Read => "the answer to a read",
        Shape::Write => "the answer to a write",
        Shape::Transaction { .. } => "the answer to a transaction of another length",
        Shape::Scan => "the answer to a scan",
        Shape::Stream => "the answer to a stream fetch",
    };
    wrong(expected.to_owned(), found.to_owned())
}
