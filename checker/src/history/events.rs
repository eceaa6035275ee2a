//! A history taken apart into events again: what the importers and the shrinker need to write one down.
//!
//! Operations whose outcome nobody knows have no moment at which that became clear, so their `info` events come last. A process never acts
//! after one; where a foreign history lets it, its later operations get a process of their own.

use super::{Ending, Event, EventKind, History, Operation, ProcessId};
use crate::table::Table;

impl History {
    /// Its events in time order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::with_capacity(self.operations.len() * 2);
        let mut lost = Vec::new();
        let mut processes = Processes::new(&self.operations);
        for operation in &self.operations {
            let process = processes.of(operation);
            let event = |time_ns, kind| Event {
                time_ns,
                process,
                region: operation.region,
                phase: operation.phase,
                kind,
            };
            let invoke = EventKind::Invoke(operation.op.clone());
            events.push(event(operation.call_ns, invoke));
            let completion = match &operation.ending {
                Ending::Ok(reply) => EventKind::Ok(reply.clone()),
                Ending::Failed { error, seen } => EventKind::Fail {
                    error: error.clone(),
                    seen: seen.clone(),
                },
                Ending::Unknown { error: None } => continue,
                Ending::Unknown { error: Some(error) } => {
                    let error = error.clone();
                    lost.push(event(0, EventKind::Info { error }));
                    continue;
                }
            };
            let return_ns = operation.return_ns.unwrap_or(operation.call_ns);
            events.push(event(return_ns, completion));
        }
        // Stable: what one process does at one moment stays in its order.
        events.sort_by_key(|e| e.time_ns);
        let end_ns = events.last().map_or(0, |e| e.time_ns);
        let late = |event| Event {
            time_ns: end_ns,
            ..event
        };
        events.extend(lost.into_iter().map(late));
        events
    }
}

/// Which process an operation gets.
struct Processes {
    /// The id that stands for each process now, or nothing when its last operation never ended.
    current: Table<Option<u32>>,
    next: u32,
}

impl Processes {
    fn new(operations: &[Operation]) -> Self {
        let greatest = operations.iter().map(|o| o.process.0).max();
        Self {
            current: Table::default(),
            next: greatest.unwrap_or(0).saturating_add(1),
        }
    }

    fn of(&mut self, operation: &Operation) -> ProcessId {
        let own = i64::from(operation.process.0);
        let current = self
            .current
            .or_insert_with(own, || Some(operation.process.0));
        let id = current.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let goes_on = operation.return_ns.is_some();
        *current = goes_on.then_some(id);
        ProcessId(id)
    }
}
