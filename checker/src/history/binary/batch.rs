//! Events of the compact form, understood only as far as pairing them needs it, and paired.
//!
//! What an event on one item asks or answers goes into the item's rows just as it lies in the file ([`super::row`]), so it is looked
//! through rather than unpacked: nothing is allocated for it. Whatever is not of the usual kinds, or looks wrong, is left to the reader proper.

use std::io::BufRead;

use super::bytes::number_length;
use super::glance::Glance;
use super::read::Reader;
use super::{kind, part};
use crate::history::ndjson::ReadError;
use crate::history::operation::Shape;
use crate::history::{Key, ProcessId, RegionId, StructureError};
use crate::paired::{Paired, Pairer};

/// About how many events are paired at a time: so few that what they end stays in a processor's cache until it is put aside.
const EVENTS_MAX: usize = 4096;
/// How many bytes must lie ready for an event to be looked through; nearly every event is shorter.
const READY_BYTES: usize = 256;

/// An event on one item, as it lies among bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    /// Its first byte: kind and phase.
    pub(crate) first: u8,
    pub(crate) region: RegionId,
    pub(crate) process: ProcessId,
    pub(crate) time_ns: u64,
    pub(crate) part: Part,
    /// Where its process is written, where what comes after its region begins, and where it ends.
    process_at: u32,
    rest_at: u32,
    end_at: u32,
}

/// What part an event plays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Asks {
        shape: Shape,
        key: Key,
    },
    Answers {
        reply: Option<Shape>,
        is_known: bool,
    },
}

impl Plain {
    pub(crate) fn kind(&self) -> u8 {
        self.first & 0x0F
    }

    /// Whether it asks for a register to be written.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self.part,
            Part::Asks {
                shape: Shape::Write,
                ..
            }
        )
    }

    /// Who asks, whom, and for what.
    pub(crate) fn asked<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.process_at as usize..self.end_at as usize]
    }

    /// What is answered.
    pub(crate) fn answered<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.rest_at as usize..self.end_at as usize]
    }
}

impl<R: BufRead> Reader<R> {
    /// Pairs the next events; `None` at the end.
    pub(crate) fn pair(&mut self, pairer: &mut Pairer) -> Option<Result<Paired, ReadError>> {
        let mut paired = Paired::with_capacity(EVENTS_MAX);
        let from = self.event_count;
        while self.event_count - from < EVENTS_MAX as u64 {
            match self.look_through(pairer, &mut paired) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return Some(Err(error.into())),
            }
            let pushed = match self.next() {
                Some(Ok((line, event))) => pairer.push(line, event, &mut paired),
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            };
            if let Err(error) = pushed {
                return Some(Err(error.into()));
            }
        }
        (self.event_count > from).then_some(Ok(paired))
    }

    /// Pairs what plain events lie ready; whether there were any.
    fn look_through(
        &mut self,
        pairer: &mut Pairer,
        paired: &mut Paired,
    ) -> Result<bool, StructureError> {
        let Ok(ready) = self.decoder.source.inner.fill_buf() else {
            return Ok(false);
        };
        let mut glance = Glance::new(ready);
        let mut end = 0;
        for _ in 0..EVENTS_MAX {
            if ready.len() - end < READY_BYTES {
                break;
            }
            let event = glance.event(self.time_ns, self.decoder.region_count);
            let Some(event) = event else {
                break;
            };
            self.time_ns = event.time_ns;
            self.event_count += 1;
            end = glance.at;
            pairer.push_plain(self.event_count + 1, &event, ready, paired)?;
        }
        self.decoder.source.inner.consume(end);
        self.decoder.source.position += end as u64;
        Ok(end > 0)
    }
}

impl Glance<'_> {
    /// The event that begins here.
    fn event(&mut self, before_ns: u64, region_count: usize) -> Option<Plain> {
        let first = self.byte()?;
        if first & !(0x0F | kind::FINAL) != 0 {
            return None;
        }
        let time_ns = before_ns.checked_add(self.number()?)?;
        let process_at = self.place()?;
        let process = ProcessId(u32::try_from(self.number()?).ok()?);
        let region = self.region(region_count)?;
        let rest_at = self.place()?;
        let part = self.part(first & 0x0F, region_count)?;
        Some(Plain {
            first,
            region,
            process,
            time_ns,
            part,
            process_at,
            rest_at,
            end_at: self.place()?,
        })
    }

    fn part(&mut self, which: u8, region_count: usize) -> Option<Part> {
        let answers = |reply| Part::Answers {
            reply,
            is_known: which != kind::INFO,
        };
        let shape = match which {
            kind::READ_STRONG | kind::READ_EVENTUAL => Shape::Read,
            kind::WRITE | kind::DELETE | kind::CAS_EQUALS | kind::CAS_EXISTS => Shape::Write,
            kind::OK_READ => {
                self.skip_observed(region_count)?;
                return Some(answers(Some(Shape::Read)));
            }
            kind::OK_REPLACED => {
                self.skip_observed(region_count)?;
                return Some(answers(Some(Shape::Write)));
            }
            kind::OK_DONE => return Some(answers(Some(Shape::Write))),
            kind::FAIL | kind::FAIL_SEEN | kind::INFO => {
                self.skip_text()?;
                if which == kind::FAIL_SEEN {
                    self.skip_observed(region_count)?;
                }
                return Some(answers(None));
            }
            _ => return None,
        };
        let key = Key(self.number()?);
        let value_count = match which {
            kind::WRITE | kind::CAS_EXISTS => 1,
            kind::CAS_EQUALS => 2,
            _ => 0,
        };
        for _ in 0..value_count {
            let first = self.byte()?;
            self.skip_value(first)?;
        }
        Some(Part::Asks { shape, key })
    }

    fn skip_observed(&mut self, region_count: usize) -> Option<()> {
        let first = self.byte()?;
        self.skip_value(first & !(part::STAMP | part::PREVIOUS))?;
        if first & part::STAMP != 0 {
            self.skip_number()?;
            self.region(region_count)?;
        }
        if first & part::PREVIOUS != 0 {
            let first = self.byte()?;
            self.skip_value(first)?;
        }
        Some(())
    }

    fn skip_value(&mut self, first: u8) -> Option<()> {
        match first {
            part::ABSENT => Some(()),
            part::NUMBER => self.skip_number(),
            _ => None,
        }
    }

    fn skip_text(&mut self) -> Option<()> {
        let length = usize::try_from(self.number()?).ok()?;
        let text = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        std::str::from_utf8(text).ok()?;
        self.at += length;
        Some(())
    }

    fn skip_number(&mut self) -> Option<()> {
        self.at += number_length(self.bytes.get(self.at..)?)?;
        Some(())
    }

    fn place(&self) -> Option<u32> {
        u32::try_from(self.at).ok()
    }
}
