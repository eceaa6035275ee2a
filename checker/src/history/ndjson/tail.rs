//! The lines of a history that is still being written: whatever bytes there are go in, the events of whole lines come out.

use super::fast::Fast;
use super::read::slow;
use super::{ReadError, parse_header};
use crate::history::{Event, Header};

/// What has been read of a growing file.
#[derive(Debug)]
pub struct Tail {
    header: Option<Header>,
    fast: Fast,
    /// The beginning of a line that is not whole yet.
    pending: Vec<u8>,
    line: u64,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            header: None,
            fast: Fast::new(&[]),
            pending: Vec::new(),
            line: 0,
        }
    }
}

impl Tail {
    /// What the first line said, once it is there.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Takes the bytes that follow those that came before, and returns the events of all lines that are whole now.
    ///
    /// # Errors
    /// When a line is not what the format says.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<(u64, Event)>, ReadError> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &self.pending[start..]) {
            let text = &self.pending[start..start + length];
            start += length + 1;
            self.line += 1;
            let Some(header) = &self.header else {
                let header = parse_header(text)?;
                self.fast = Fast::new(&header.regions);
                self.header = Some(header);
                continue;
            };
            let event = match self.fast.event(text) {
                Some(event) => event,
                None => slow(text, &header.regions).map_err(|syntax| ReadError::Syntax {
                    line: self.line,
                    syntax,
                })?,
            };
            events.push((self.line, event));
        }
        self.pending.drain(..start);
        Ok(events)
    }

    /// No more bytes come. Returns the event of a last line of which only the line feed is missing.
    ///
    /// # Errors
    /// When the last line stops in the middle.
    pub fn finish(self) -> Result<Option<(u64, Event)>, ReadError> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let (line, column) = (self.line + 1, self.pending.len() + 1);
        let regions = self.header.map(|header| header.regions);
        let event = regions.and_then(|regions| slow(&self.pending, &regions).ok());
        let event = event.ok_or(ReadError::HalfWritten { line, column })?;
        Ok(Some((line, event)))
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;
    use crate::history::ndjson::{Reader, Writer};
    use crate::history::one_line_events;

    #[test]
    fn bytes_in_any_portions_give_the_events_of_the_whole() {
        let text = "us:w1[0-1] eu:r-[2-3] us:c1>2~1[4-5]! us:d[6-?] eu:r1[90-91]F";
        let (header, events) = one_line_events(text).expect("well formed");
        let mut writer = Writer::new(Vec::new(), &header).expect("to memory");
        for event in &events {
            writer.write(event).expect("to memory");
        }
        let bytes = writer.into_inner();
        let whole: Vec<_> = Reader::new(&bytes[..])
            .expect("a header")
            .map(|event| event.expect("well formed"))
            .collect();
        for portion in [1, 7, 100, bytes.len()] {
            let mut tail = Tail::default();
            let portions = bytes.chunks(portion);
            let read: Vec<_> = portions
                .flat_map(|bytes| tail.take(bytes).expect("well formed"))
                .collect();
            assert_eq!(read, whole, "{portion} at a time");
            assert_eq!(tail.header(), Some(&header));
            assert_eq!(tail.finish().expect("nothing is left"), None);
        }
        let mut tail = Tail::default();
        let events = tail.take(&bytes[..bytes.len() - 1]).expect("well formed");
        assert_eq!(events.len(), whole.len() - 1);
        let last = tail.finish().expect("only the line feed is missing");
        assert_eq!(last, whole.last().cloned());
        let mut tail = Tail::default();
        tail.take(&bytes[..bytes.len() - 9]).expect("well formed");
        assert!(tail.finish().is_err());
    }
}
