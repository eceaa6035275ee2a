//! Events paired, and the operations that they end on their way to the piles: rows but for what depends on the row before.
//!
//! Whoever reads the compact form pairs its events too, so that reading with pairing, and putting aside, take two threads about as long.

use crate::check::{Counts, Subjects};
use crate::history::binary::Plain;
use crate::history::binary::row;
use crate::history::{Ended, Event, EventKind, InFlight, Key, Operation, StructureError};

/// Pairs events, and keeps what is in flight.
#[derive(Default)]
pub(crate) struct Pairer {
    pub(crate) subjects: Subjects,
    counts: Counts,
    pub(crate) in_flight: InFlight,
}

impl Pairer {
    /// Takes the next event.
    pub(crate) fn push(
        &mut self,
        line: u64,
        event: Event,
        paired: &mut Paired,
    ) -> Result<(), StructureError> {
        if let EventKind::Invoke(op) = &event.kind {
            self.subjects.add(op);
        }
        if let Some(ended) = self.in_flight.push(line, event)? {
            self.counts.add(ended.became());
            paired.push(ended);
        }
        Ok(())
    }

    /// As [`Pairer::push`], of an event in compact form that lies among these bytes.
    pub(crate) fn push_plain(
        &mut self,
        line: u64,
        event: &Plain,
        bytes: &[u8],
        paired: &mut Paired,
    ) -> Result<(), StructureError> {
        if event.writes() {
            self.subjects.add_register();
        }
        if let Some(ended) = self.in_flight.push_plain(line, event, bytes)? {
            self.counts.add(ended.became());
            paired.push(ended);
        }
        Ok(())
    }

    /// How many operations there are, those in flight included.
    pub(crate) fn all_counts(&self) -> Counts {
        let mut counts = self.counts;
        let open = self.in_flight.operations();
        open.for_each(|ended| counts.add(ended.became()));
        counts
    }

    /// What is still in flight.
    pub(crate) fn open(&self) -> Paired {
        let mut paired = Paired::default();
        let open = self.in_flight.operations();
        open.for_each(|ended| paired.push(ended));
        paired
    }
}

/// Operations that have ended.
#[derive(Debug, Default)]
pub(crate) struct Paired {
    /// Those on one item.
    pub(crate) rows: Vec<Row>,
    /// The second parts of their rows.
    pub(crate) bytes: Vec<u8>,
    /// Those on several.
    pub(crate) several: Vec<Operation>,
}

/// An operation on one item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) line: u64,
    pub(crate) call_ns: u64,
    /// Where its second part ends; it begins where that of the row before ends.
    pub(crate) end: usize,
}

impl Paired {
    /// Room for so many operations.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            rows: Vec::with_capacity(count),
            bytes: Vec::with_capacity(count * 32),
            several: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, ended: Ended<'_>) {
        match ended {
            Ended::One { key, start, end } => {
                row::write_rest(&mut self.bytes, &start, &end);
                self.rows.push(Row {
                    key,
                    line: start.line,
                    call_ns: start.call_ns,
                    end: self.bytes.len(),
                });
            }
            Ended::Several(operation) => self.several.push(operation),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.several.clear();
    }
}
