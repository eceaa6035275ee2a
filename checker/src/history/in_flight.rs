//! Pairs events as they come, and keeps only what is in flight. What ends leaves as a row ([`row`]), ready to be put aside.
//!
//! An operation on one item is kept as the first half of its row, so nothing is unpacked that need not be understood; one on several
//! items, of which each gets its part, is kept as it is.

use super::binary::row::{self, End, Start};
use super::binary::{Part, Plain};
use super::operation::{Completion, Moment, Processes, Request};
use super::{Became, Event, Key, Operation, StructureError};

/// The operations in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    slots: Vec<Slot>,
    /// Places of slots that are not in use.
    free: Vec<usize>,
    processes: Processes,
    /// Where an answer is written before it is handed on.
    answer: Vec<u8>,
}

/// Room for one operation. What its row was written into is used again.
#[derive(Debug, Default)]
struct Slot {
    open: Option<Open>,
    asked: Vec<u8>,
}

/// An operation in flight.
#[derive(Debug)]
struct Open {
    request: Request,
    call_ns: u64,
    item: Item,
}

/// What it concerns.
#[derive(Debug)]
enum Item {
    One(Key),
    Several(Box<Operation>),
}

/// An operation that has ended, or that is in flight at the end.
pub(crate) enum Ended<'f> {
    /// On one item: its row.
    One {
        key: Key,
        start: Start<'f>,
        end: End<'f>,
    },
    /// On several.
    Several(Operation),
}

impl Ended<'_> {
    pub(crate) fn became(&self) -> Became {
        match self {
            Self::One { end, .. } => end.became(),
            Self::Several(operation) => operation.ending.became(),
        }
    }
}

impl InFlight {
    /// Takes the next event. Returns the operation that it ends, if it ends one.
    pub(crate) fn push(
        &mut self,
        line: u64,
        event: Event,
    ) -> Result<Option<Ended<'_>>, StructureError> {
        self.processes.advance(line, event.time_ns)?;
        match Moment::new(line, event) {
            Moment::Request(operation) => {
                self.ask(operation)?;
                Ok(None)
            }
            Moment::Answer(answer) => {
                let (slot, open) = self.end(&answer.completion())?;
                if let Item::Several(mut operation) = open.item {
                    answer.end(&mut operation);
                    return Ok(Some(Ended::Several(*operation)));
                }
                self.answer.clear();
                let kind = row::answered(&mut self.answer, &answer.ending);
                let end = End {
                    kind,
                    line: Some(line),
                    return_ns: answer.return_ns,
                    answer: &self.answer,
                };
                Ok(self.slots[slot].row(&open, end))
            }
        }
    }

    /// As [`InFlight::push`], of an event in compact form.
    pub(crate) fn push_plain<'f>(
        &'f mut self,
        line: u64,
        event: &Plain,
        bytes: &'f [u8],
    ) -> Result<Option<Ended<'f>>, StructureError> {
        self.processes.advance(line, event.time_ns)?;
        match event.part {
            Part::Asks { shape, key } => {
                let place = self.place();
                self.processes.invoke(line, event.process, place)?;
                let slot = self.take(place);
                slot.asked.clear();
                slot.asked.push(event.first);
                slot.asked.extend_from_slice(event.asked(bytes));
                let (region, item) = (event.region, Item::One(key));
                slot.open = Some(Open {
                    request: Request {
                        line,
                        region,
                        shape,
                    },
                    call_ns: event.time_ns,
                    item,
                });
                Ok(None)
            }
            Part::Answers { reply, is_known } => {
                let (slot, open) = self.end(&Completion {
                    line,
                    process: event.process,
                    region: event.region,
                    reply,
                    is_known,
                })?;
                let return_ns = is_known.then_some(event.time_ns);
                let end = End {
                    kind: event.kind(),
                    line: Some(line),
                    return_ns,
                    answer: event.answered(bytes),
                };
                if let Item::Several(mut operation) = open.item {
                    operation.line_complete = Some(line);
                    operation.return_ns = return_ns;
                    operation.ending = row::ending_of(&end);
                    return Ok(Some(Ended::Several(*operation)));
                }
                Ok(self.slots[slot].row(&open, end))
            }
        }
    }

    /// What is still in flight.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Ended<'_>> {
        self.slots.iter().filter_map(|slot| {
            let open = slot.open.as_ref()?;
            if let Item::Several(operation) = &open.item {
                return Some(Ended::Several(Operation::clone(operation)));
            }
            slot.row(open, End::OPEN)
        })
    }

    fn ask(&mut self, operation: Operation) -> Result<(), StructureError> {
        let place = self.place();
        let line = operation.line_invoke;
        self.processes.invoke(line, operation.process, place)?;
        let slot = self.take(place);
        slot.asked.clear();
        let request = Request::of(&operation);
        let call_ns = operation.call_ns;
        let item = match operation.op.key() {
            Some(key) => {
                row::asked(&mut slot.asked, &operation);
                Item::One(key)
            }
            None => Item::Several(Box::new(operation)),
        };
        slot.open = Some(Open {
            request,
            call_ns,
            item,
        });
        Ok(())
    }

    /// Where the next operation will lie.
    fn place(&self) -> usize {
        self.free.last().copied().unwrap_or(self.slots.len())
    }

    fn take(&mut self, place: usize) -> &mut Slot {
        if self.free.pop().is_none() {
            self.slots.push(Slot::default());
        }
        &mut self.slots[place]
    }

    /// Ends the operation that a completion answers.
    fn end(&mut self, completion: &Completion) -> Result<(usize, Open), StructureError> {
        let place = self.processes.open(completion.line, completion.process)?;
        let open = self.slots[place].open.as_ref().expect("it is in flight");
        self.processes.complete(&open.request, completion)?;
        self.free.push(place);
        let open = self.slots[place].open.take();
        Ok((place, open.expect("it is in flight")))
    }
}

impl Slot {
    /// The row of an operation on one item.
    fn row<'f>(&'f self, open: &Open, end: End<'f>) -> Option<Ended<'f>> {
        let Item::One(key) = open.item else {
            return None;
        };
        let start = Start {
            line: open.request.line,
            call_ns: open.call_ns,
            asked: &self.asked,
        };
        Some(Ended::One { key, start, end })
    }
}
