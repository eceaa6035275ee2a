//! Judging a history while it is being written: `dateline check --follow`, and runs that end at their first violation.
//!
//! Each turn reads what was added since the last, and judges only the items that it touches, on all that is known of them. What a beginning
//! of a history forbids, the whole does too: checks say "unknown" where the end is missing.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use checker::{
    Gathering, JudgeError, Resources,
    history::ndjson::{ReadError, Tail},
    verdict::Outcome,
};

/// How much is read at a time.
const PORTION_BYTES: usize = 1 << 18;

/// A growing history file, and what is known of it.
pub(crate) struct Followed {
    path: PathBuf,
    file: Option<File>,
    tail: Tail,
    gathering: Option<Gathering>,
    /// Used as soon as the header is there.
    resources: Option<Resources>,
}

impl Followed {
    /// Nothing is read yet; the file need not be there yet.
    pub(crate) fn new(path: &Path, resources: Resources) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            tail: Tail::default(),
            gathering: None,
            resources: Some(resources),
        }
    }

    /// Reads what was added; returns how many bytes that were.
    pub(crate) fn read(&mut self) -> Result<u64, JudgeError> {
        let failed = |source| ReadError::Io {
            path: self.path.clone(),
            source,
        };
        let file = match &mut self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(failed(error).into()),
            },
        };
        let mut portion = vec![0; PORTION_BYTES];
        let mut total = 0;
        loop {
            let count = file.read(&mut portion).map_err(failed)?;
            if count == 0 {
                return Ok(total);
            }
            total += count as u64;
            for (line, event) in self.tail.take(&portion[..count])? {
                let gathering = match &mut self.gathering {
                    Some(gathering) => gathering,
                    None => {
                        let header = self.tail.header().expect("events come after the header");
                        let resources = self.resources.take().expect("there is one header");
                        self.gathering
                            .insert(Gathering::new(header.clone(), resources))
                    }
                };
                gathering.push(line, event)?;
            }
        }
    }

    /// Whether something is forbidden, as this judges it.
    pub(crate) fn is_violated(
        &mut self,
        judge: impl FnOnce(&mut Gathering) -> Result<Outcome, JudgeError>,
    ) -> Result<bool, JudgeError> {
        match &mut self.gathering {
            Some(gathering) => Ok(judge(gathering)? == Outcome::Invalid),
            None => Ok(false),
        }
    }

    /// Everything that has been read, when no more comes.
    pub(crate) fn finish(mut self) -> Result<Gathering, JudgeError> {
        let header = self.tail.header().cloned();
        let rest = self.tail.finish()?;
        let mut gathering = match (self.gathering.take(), self.resources.take(), header) {
            (Some(gathering), _, _) => gathering,
            (None, Some(resources), Some(header)) => Gathering::new(header, resources),
            (None, _, _) => {
                let reason = "the file is empty".to_owned();
                return Err(ReadError::Header { reason }.into());
            }
        };
        if let Some((line, event)) = rest {
            gathering.push(line, event)?;
        }
        Ok(gathering)
    }

    /// Everything that has been read so far; `None` before the first event.
    pub(crate) fn so_far(&self) -> Option<&Gathering> {
        self.gathering.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write, num::NonZeroUsize};

    use checker::{
        Options,
        history::{ndjson::Writer, one_line_events},
    };

    use super::*;

    fn lines(text: &str) -> Vec<u8> {
        let (header, events) = one_line_events(text).expect("well formed");
        let mut writer = Writer::new(Vec::new(), &header).expect("to memory");
        for event in &events {
            writer.write(event).expect("to memory");
        }
        writer.into_inner()
    }

    fn followed(path: &Path) -> Followed {
        let resources = Resources {
            threads: NonZeroUsize::MIN,
            memory: None,
        };
        Followed::new(path, resources)
    }

    fn judged(gathering: &mut Gathering) -> Result<Outcome, JudgeError> {
        Ok(gathering.judge_grown(&Options::default())?.verdict.outcome)
    }

    #[test]
    fn a_violation_is_seen_as_soon_as_its_lines_are_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("history.jsonl");
        let mut followed = followed(&path);
        assert_eq!(followed.read().expect("it is not there yet"), 0);
        let bytes =
            lines("us:w1[0-1] us:r1@5us[2-3] us:w2~1@5us[4-5] us:r1@5us[6-7] us:r2@6us[8-9]");
        let mut file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.as_mut().expect("a temporary file");
        let mut seen_after = None;
        for (number, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            let (half, rest) = line.split_at(line.len() / 2);
            for part in [half, rest] {
                file.write_all(part).expect("to a temporary file");
                followed.read().expect("well formed so far");
                if seen_after.is_none() && followed.is_violated(judged).expect("in memory") {
                    seen_after = Some(number + 1);
                }
            }
        }
        assert_eq!(seen_after, Some(9), "the line that shows 1 again");
        let verdict = followed
            .finish()
            .expect("whole")
            .check(&["region-linearizable"]);
        assert_eq!(verdict.expect("in memory").outcome, Outcome::Invalid);
    }

    #[test]
    fn a_sound_history_is_not_violated_and_a_half_line_at_the_end_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("history.jsonl");
        let bytes = lines("us:w1[0-1] us:r1@5us[2-3]");
        std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("to a temporary file");
        let mut followed = followed(&path);
        assert!(followed.read().expect("well formed so far") > 0);
        assert!(!followed.is_violated(judged).expect("in memory"));
        assert!(followed.finish().is_err());
    }
}
