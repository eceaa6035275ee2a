//! The quick way through bytes in compact form: what is usual is understood at once, and on everything else, right or wrong, it gives up.
//!
//! The [`super::read::Decoder`] understands everything and says what is wrong; whoever glances asks it when this gives up.

use super::bytes::{signed, whole_number};
use super::part;
use crate::history::{Observed, ProcessId, RegionId, Stamp, Value};

/// Looks through bytes.
pub(super) struct Glance<'b> {
    pub(super) bytes: &'b [u8],
    /// How many of them were looked at.
    pub(super) at: usize,
}

impl<'b> Glance<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, length) = whole_number(self.bytes.get(self.at..)?)?;
        self.at += length;
        Some(number)
    }

    #[inline]
    pub(super) fn process(&mut self) -> Option<ProcessId> {
        let process = u32::try_from(self.number()?).ok()?;
        Some(ProcessId(process))
    }

    #[inline]
    pub(super) fn region(&mut self, region_count: usize) -> Option<RegionId> {
        let region = self.byte()?;
        (usize::from(region) < region_count).then_some(RegionId(region))
    }

    /// A value that is not a list.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Value> {
        let first = self.byte()?;
        self.value_of(first)
    }

    #[inline]
    fn value_of(&mut self, first: u8) -> Option<Value> {
        match first {
            part::ABSENT => Some(Value::Absent),
            part::NUMBER => self.number().map(|number| Value::Int(signed(number))),
            _ => None,
        }
    }

    /// What was seen of an item that is not a list, and does not say what it replaced.
    #[inline]
    pub(super) fn observed(&mut self, region_count: usize) -> Option<Observed> {
        let first = self.byte()?;
        let value = self.value_of(first & !part::STAMP)?;
        let mut stamp = None;
        if first & part::STAMP != 0 {
            let time_us = signed(self.number()?);
            let region = self.region(region_count)?;
            stamp = Some(Stamp { time_us, region });
        }
        Some(Observed {
            value,
            stamp,
            previous: None,
        })
    }
}
