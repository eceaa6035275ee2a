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
    processes: Table<Activity>,
    time_ns: u64,
}

/// What a process did last, with the index of that operation.
#[derive(Clone, Copy, Debug)]
enum Activity {
    Open(usize),
    Completed(usize),
    Indeterminate(usize),
}

impl Pairing {
    /// Takes the next event.
    ///
    /// # Errors
    /// When it cannot follow what came before.
    pub fn push(&mut self, line: u64, event: Event) -> Result<(), StructureError> {
        let process = event.process.0;
        if event.time_ns < self.time_ns {
            let (before_ns, time_ns) = (self.time_ns, event.time_ns);
            return Err(StructureError::TimeBackwards {
                line,
                before_ns,
                time_ns,
            });
        }
        self.time_ns = event.time_ns;
        let activity = self.processes.get(i64::from(process)).copied();
        let (ending, return_ns) = match event.kind {
            EventKind::Invoke(op) => {
                self.may_invoke(line, process, activity)?;
                let activity = Activity::Open(self.operations.len());
                self.processes.insert(i64::from(process), activity);
                self.operations.push(Operation {
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
                return Ok(());
            }
            EventKind::Ok(reply) => (Ending::Ok(reply), Some(event.time_ns)),
            EventKind::Fail { error, seen } => {
                (Ending::Failed { error, seen }, Some(event.time_ns))
            }
            EventKind::Info { error } => (Ending::Unknown { error: Some(error) }, None),
        };
        let index = self.open_operation(line, process, activity)?;
        let operation = &mut self.operations[index];
        fits(operation, &ending, event.region, line)?;
        operation.line_complete = Some(line);
        operation.return_ns = return_ns;
        operation.ending = ending;
        let is_known = return_ns.is_some();
        let next = if is_known {
            Activity::Completed(index)
        } else {
            Activity::Indeterminate(index)
        };
        self.processes.insert(i64::from(process), next);
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

    fn may_invoke(
        &self,
        line: u64,
        process: u32,
        activity: Option<Activity>,
    ) -> Result<(), StructureError> {
        match activity {
            None | Some(Activity::Completed(_)) => Ok(()),
            Some(Activity::Open(index)) => {
                let line_invoke = self.operations[index].line_invoke;
                Err(StructureError::TwoOpenOperations {
                    line,
                    process,
                    line_invoke,
                })
            }
            Some(Activity::Indeterminate(index)) => {
                let line_info = self.operations[index].line_complete.unwrap_or(line);
                Err(StructureError::ActsAfterInfo {
                    line,
                    process,
                    line_info,
                })
            }
        }
    }

    fn open_operation(
        &self,
        line: u64,
        process: u32,
        activity: Option<Activity>,
    ) -> Result<usize, StructureError> {
        match activity {
            Some(Activity::Open(index)) => Ok(index),
            Some(Activity::Completed(index) | Activity::Indeterminate(index)) => {
                let first = &self.operations[index];
                Err(StructureError::DuplicateCompletion {
                    line,
                    process,
                    line_invoke: first.line_invoke,
                    line_first: first.line_complete.unwrap_or(first.line_invoke),
                })
            }
            None => Err(StructureError::CompletionWithoutInvocation { line, process }),
        }
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
