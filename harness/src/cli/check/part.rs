//! `check --share` and `check --numbered`: one part of the keys of a history, judged as the whole would judge it.
//!
//! Every check is about one item at a time, so a history that is split by key can be judged in parts and the verdicts joined (`dateline merge`). The part is written to a
//! temporary file and judged like any other; in its evidence, line numbers are then put back to those of the whole history. Absent: histories with operations
//! on several keys (scans, transactions, fetches of streams). They say something about every key, and are refused.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use checker::{
    history::{
        Event, EventKind, Format, Header, Key, Op, ProcessId, binary, detect_format, ndjson,
        ndjson::ReadError, open,
    },
    verdict::Verdict,
};
use tempfile::NamedTempFile;

/// A part of a history, as a file of its own.
pub(super) struct Part {
    file: NamedTempFile,
    /// The line in the whole history of each line of the file, from the second on: the first is the header.
    lines: Vec<u64>,
}

/// Why there is no such part.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the part cannot be put aside in a temporary file: {0}")]
    Write(#[from] std::io::Error),
    #[error(
        "line {line}: {what} concerns more than one item, so this history cannot be split by key; judge it as a whole"
    )]
    ManyKeys { line: u64, what: &'static str },
    #[error(
        "this form of history has no lines to split; make one of ours of it with `dateline convert`"
    )]
    Form,
    #[error(
        "line {line} of the input has no line number before it; write NUMBER, a tab, and the line of the history"
    )]
    Unnumbered { line: u64 },
}

impl Part {
    /// The items whose number leaves `index - 1` when divided by `of`, of the history in this file.
    pub(super) fn of_file(path: &Path, (index, of): (u32, u32)) -> Result<Self, PartError> {
        match detect_format(path)? {
            Format::Dateline => {
                let reader = ndjson::Reader::new(open(path)?)?;
                let header = reader.header().clone();
                let events = reader.map(|next| next.map(|(_, event)| event));
                Self::filtered(&header, events, |key| {
                    key.0 % u64::from(of) + 1 == u64::from(index)
                })
            }
            Format::Compact => {
                let reader = binary::Reader::new(open(path)?)?;
                let header = reader.header().clone();
                let events = reader.map(|next| next.map(|(_, event)| event));
                Self::filtered(&header, events, |key| {
                    key.0 % u64::from(of) + 1 == u64::from(index)
                })
            }
            Format::Operations | Format::JepsenEdn | Format::JepsenLog => Err(PartError::Form),
        }
    }

    /// The lines of a part that somebody else split off, each with its number in the whole history and a tab before it, the header first.
    pub(super) fn numbered(input: impl BufRead) -> Result<Self, PartError> {
        let file = NamedTempFile::new()?;
        let mut out = BufWriter::new(file.as_file());
        let mut lines = Vec::new();
        for (at, line) in (1..).zip(input.lines()) {
            let line = line?;
            let (number, rest) = line
                .split_once('\t')
                .ok_or(PartError::Unnumbered { line: at })?;
            let number = number
                .parse()
                .map_err(|_| PartError::Unnumbered { line: at })?;
            if at > 1 {
                lines.push(number);
            }
            writeln!(out, "{rest}")?;
        }
        out.flush()?;
        drop(out);
        let part = Self { file, lines };
        part.check_keys()?;
        Ok(part)
    }

    fn filtered(
        header: &Header,
        events: impl Iterator<Item = Result<Event, ReadError>>,
        is_ours: impl Fn(Key) -> bool,
    ) -> Result<Self, PartError> {
        let file = NamedTempFile::new()?;
        let out = BufWriter::new(file.as_file());
        let mut writer = ndjson::Writer::new(out, header)?;
        let mut lines = Vec::new();
        let mut open = BTreeMap::new();
        for (line, event) in (2..).zip(events) {
            let event = event?;
            if is_ours(key_of(&event, line, &mut open)?) {
                writer.write(&event)?;
                lines.push(line);
            }
        }
        writer.into_inner().flush()?;
        Ok(Self { file, lines })
    }

    /// Whether each of its operations is about one key.
    fn check_keys(&self) -> Result<(), PartError> {
        let reader = ndjson::Reader::new(BufReader::new(File::open(self.path())?))?;
        let mut open = BTreeMap::new();
        for (line, event) in self.lines.iter().zip(reader) {
            key_of(&event?.1, *line, &mut open)?;
        }
        Ok(())
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts the line numbers of the whole history into evidence found in the part.
    pub(super) fn renumber(&self, verdict: &mut Verdict) {
        let line = |line: u64| -> u64 {
            let at = line.checked_sub(2).and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| self.lines.get(at).copied())
                .expect("evidence lies in the file that was judged")
        };
        let checks = verdict.checks.iter_mut();
        let violations = checks.flat_map(|check| &mut check.violations);
        for operation in violations.flat_map(|violation| &mut violation.operations) {
            operation.line_invoke = line(operation.line_invoke);
            operation.line_complete = operation.line_complete.map(line);
        }
    }
}

/// The key that an event is about: that of its process's operation, which `open` remembers.
fn key_of(event: &Event, line: u64, open: &mut BTreeMap<ProcessId, Key>) -> Result<Key, PartError> {
    let many = |what| Err(PartError::ManyKeys { line, what });
    let key = match &event.kind {
        EventKind::Invoke(op) => match op {
            Op::Read { key, .. }
            | Op::Write { key, .. }
            | Op::Cas { key, .. }
            | Op::Delete { key }
            | Op::AddToSet { key, .. }
            | Op::Increment { key, .. }
            | Op::Append { key, .. } => *key,
            Op::Transact { .. } => return many("a transaction"),
            Op::Scan => return many("a scan"),
            Op::Stream => return many("a fetch of a stream"),
        },
        EventKind::Ok(_) | EventKind::Fail { .. } | EventKind::Info { .. } => {
            // A completion without its invocation is for the judge to complain of: it goes with any part.
            return Ok(open.remove(&event.process).unwrap_or(Key(0)));
        }
    };
    open.insert(event.process, key);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"schema":"dateline/history/1","regions":["us"],"workload":"register","stamps_visible":false,"key_names":{}}"#;
    const EVENTS: [&str; 4] = [
        r#"{"t":0,"p":0,"r":"us","e":"invoke","f":"write","k":0,"v":1}"#,
        r#"{"t":1,"p":1,"r":"us","e":"invoke","f":"write","k":1,"v":2}"#,
        r#"{"t":2,"p":0,"r":"us","e":"ok","f":"write","k":0,"v":1}"#,
        r#"{"t":3,"p":1,"r":"us","e":"ok","f":"write","k":1,"v":2}"#,
    ];

    #[test]
    fn a_part_has_the_operations_of_its_keys_and_knows_their_lines() {
        let file = NamedTempFile::new().expect("a temporary file");
        let text = format!("{HEADER}\n{}\n", EVENTS.join("\n"));
        std::fs::write(file.path(), text).expect("writable");
        let part = Part::of_file(file.path(), (2, 2)).expect("it can be split");
        assert_eq!(part.lines, [3, 5]);
        let text = std::fs::read_to_string(part.path()).expect("readable");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.lines().skip(1).all(|line| line.contains("\"k\":1")),
            "{text}"
        );
    }

    #[test]
    fn a_history_with_transactions_is_refused_in_every_form() {
        let transaction = r#"{"t":4,"p":2,"r":"us","e":"invoke","f":"transact","ops":[["write",0,1],["write",1,2]]}"#;
        let text = format!("{HEADER}\n{}\n{transaction}\n", EVENTS.join("\n"));
        let lines = NamedTempFile::new().expect("a temporary file");
        std::fs::write(lines.path(), text).expect("writable");
        let reader = ndjson::Reader::new(open(lines.path()).expect("readable")).expect("a header");
        let compact = NamedTempFile::new().expect("a temporary file");
        let writer = binary::Writer::new(compact.as_file(), reader.header());
        let mut writer = writer.expect("writable");
        for event in reader {
            writer
                .write(&event.expect("well formed").1)
                .expect("writable");
        }
        writer.finish().expect("writable");
        for file in [lines, compact] {
            // Whichever part it may belong to, and if none of its keys is in the part.
            for index in 1..=3 {
                let refused = Part::of_file(file.path(), (index, 3)).err();
                let told = refused.expect("it is refused").to_string();
                assert!(
                    told.starts_with("line 6: a transaction concerns more than one item"),
                    "{told}"
                );
                assert!(told.ends_with("judge it as a whole"), "{told}");
            }
        }
    }

    #[test]
    fn numbered_lines_are_taken_as_they_are_and_others_refused() {
        let input = format!("1\t{HEADER}\n3\t{}\n5\t{}\n", EVENTS[1], EVENTS[3]);
        let part = Part::numbered(input.as_bytes()).expect("it is numbered");
        assert_eq!(part.lines, [3, 5]);
        let told = |input: String| {
            let error = Part::numbered(input.as_bytes())
                .err()
                .expect("it is refused");
            error.to_string()
        };
        assert!(told(format!("{HEADER}\n")).contains("line 1 of the input"));
        let scan = r#"{"t":0,"p":0,"r":"us","e":"invoke","f":"scan"}"#;
        assert!(told(format!("1\t{HEADER}\n7\t{scan}\n")).contains("line 7: a scan"));
    }
}
