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
///
/// It is read in place when the operation ends: copies of what was just written stall until all writes before it, to the piles too, are done.
#[derive(Debug)]
struct Slot {
    is_open: bool,
    request: Request,
    call_ns: u64,
    /// Which item it concerns, unless several.
    key: Key,
    several: Option<Box<Operation>>,
    asked: Vec<u8>,
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
                let place = self.end(&answer.completion())?;
                let slot = &mut self.slots[place];
                if let Some(mut operation) = slot.several.take() {
                    answer.end(&mut operation);
                    return Ok(Some(Ended::Several(*operation)));
                }
                self.answer.clear();
                let kind = row::answered(&mut self.answer, &answer.ending);
                Ok(Some(slot.row(End {
                    kind,
                    line: Some(line),
                    return_ns: answer.return_ns,
                    answer: &self.answer,
                })))
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
                let region = event.region;
                let request = Request {
                    line,
                    region,
                    shape,
                };
                let slot = self.begin(place, request, event.time_ns, key);
                slot.asked.push(event.first);
                slot.asked.extend_from_slice(event.asked(bytes));
                Ok(None)
            }
            Part::Answers { reply, is_known } => {
                let place = self.end(&Completion {
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
                let slot = &mut self.slots[place];
                if let Some(mut operation) = slot.several.take() {
                    operation.line_complete = Some(line);
                    operation.return_ns = return_ns;
                    operation.ending = row::ending_of(&end);
                    return Ok(Some(Ended::Several(*operation)));
                }
                Ok(Some(slot.row(end)))
            }
        }
    }

    /// What is still in flight.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Ended<'_>> {
        let open = self.slots.iter().filter(|slot| slot.is_open);
        open.map(|slot| match &slot.several {
            Some(operation) => Ended::Several(Operation::clone(operation)),
            None => slot.row(End::OPEN),
        })
    }

    fn ask(&mut self, operation: Operation) -> Result<(), StructureError> {
        let place = self.place();
        let line = operation.line_invoke;
        self.processes.invoke(line, operation.process, place)?;
        let key = operation.op.key();
        let request = Request::of(&operation);
        let slot = self.begin(place, request, operation.call_ns, key.unwrap_or(Key(0)));
        match key {
            Some(_) => row::asked(&mut slot.asked, &operation),
            None => slot.several = Some(Box::new(operation)),
        }
        Ok(())
    }

    /// Where the next operation will lie.
    fn place(&self) -> usize {
        self.free.last().copied().unwrap_or(self.slots.len())
    }

    /// Begins an operation there, of which nothing is written yet.
    fn begin(&mut self, place: usize, request: Request, call_ns: u64, key: Key) -> &mut Slot {
        if self.free.pop().is_none() {
            self.slots.push(Slot {
                is_open: false,
                request,
                call_ns,
                key,
                several: None,
                asked: Vec::new(),
            });
        }
        let slot = &mut self.slots[place];
        slot.is_open = true;
        slot.request = request;
        slot.call_ns = call_ns;
        slot.key = key;
        slot.asked.clear();
        slot
    }

    /// Ends the operation that a completion answers. Returns where it lies until the next one begins.
    fn end(&mut self, completion: &Completion) -> Result<usize, StructureError> {
        let (process, place) = self.processes.open(completion.line, completion.process)?;
        let slot = &mut self.slots[place];
        self.processes
            .complete(process, &slot.request, completion)?;
        slot.is_open = false;
        self.free.push(place);
        Ok(place)
    }
}

impl Slot {
    /// The row of an operation on one item.
    fn row<'f>(&'f self, end: End<'f>) -> Ended<'f> {
        let start = Start {
            line: self.request.line,
            call_ns: self.call_ns,
            asked: &self.asked,
        };
        let key = self.key;
        Ended::One { key, start, end }
    }
}
