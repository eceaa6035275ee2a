//! `dateline convert`: a history in another form.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use checker::history::{
    Event, Format, Header, binary, detect_format,
    ndjson::{self, ReadError},
    open, read_history_as,
};
use clap::Args;

use super::check::format;
use crate::exit::{Ending, Failure};

/// `dateline convert IN OUT`.
#[derive(Debug, Args)]
#[command(after_help = "\
Lines of JSON and the compact form hold the same events: converting there and back gives the same file. Other formats
can only be read. Input may be compressed (gzip, Zstandard).

Examples:
  dateline convert dateline-runs/latest/history.jsonl history.compact
  dateline convert history.compact history.jsonl
  dateline convert jepsen/history.edn history.jsonl")]
pub(super) struct ConvertCommand {
    /// The history to read
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write: its name ends in .jsonl (lines of JSON) or .compact
    #[arg(value_name = "OUT")]
    output: PathBuf,

    /// The form of the input: dateline, compact, operations, jepsen-edn, jepsen-log [default: by its first bytes]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
}

/// Writes either form.
enum Writer {
    Lines(ndjson::Writer<BufWriter<File>>),
    Compact(binary::Writer<BufWriter<File>>),
}

impl Writer {
    fn create(path: &Path, header: &Header) -> std::io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(if is_compact(path) {
            Self::Compact(binary::Writer::new(file, header)?)
        } else {
            Self::Lines(ndjson::Writer::new(file, header)?)
        })
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        match self {
            Self::Lines(writer) => writer.write(event),
            Self::Compact(writer) => writer.write(event),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Lines(writer) => writer.into_inner().flush(),
            Self::Compact(writer) => writer.finish()?.flush(),
        }
    }
}

fn is_compact(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "compact")
}

impl ConvertCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let is_lines = self.output.extension().is_some_and(|e| e == "jsonl");
        if !is_lines && !is_compact(&self.output) {
            return Err(Failure::Usage(format!(
                "{}: the name of the output says its form; end it in .jsonl or .compact",
                self.output.display()
            )));
        }
        if self.input == self.output {
            return Err(Failure::Usage(
                "input and output are the same file; name another output".to_owned(),
            ));
        }
        let result = self.convert();
        if result.is_err() {
            // Half a file would look like a history.
            let _ = std::fs::remove_file(&self.output);
        }
        let count = result?;
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        println!(
            "{count} events, {} bytes to {} bytes",
            bytes(&self.input),
            bytes(&self.output)
        );
        Ok(Ending::Valid)
    }

    fn convert(&self) -> Result<u64, Failure> {
        let format = match self.format {
            Some(format) => format,
            None => detect_format(&self.input).map_err(|error| self.unreadable(&error))?,
        };
        let read = |error: ReadError| self.unreadable(&error);
        match format {
            Format::Dateline => {
                let reader = open(&self.input).and_then(ndjson::Reader::new);
                let reader = reader.map_err(read)?;
                let header = reader.header().clone();
                self.write(&header, reader.map(|next| next.map(|(_, event)| event)))
            }
            Format::Compact => {
                let reader = open(&self.input).and_then(binary::Reader::new);
                let reader = reader.map_err(read)?;
                let header = reader.header().clone();
                self.write(&header, reader.map(|next| next.map(|(_, event)| event)))
            }
            Format::Operations | Format::JepsenEdn | Format::JepsenLog => {
                let history = read_history_as(&self.input, format).map_err(read)?;
                self.write(&history.header, history.events().into_iter().map(Ok))
            }
        }
    }

    fn write(
        &self,
        header: &Header,
        events: impl Iterator<Item = Result<Event, ReadError>>,
    ) -> Result<u64, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Harness(format!("cannot write {}: {error}", self.output.display()))
        };
        let mut writer = Writer::create(&self.output, header).map_err(failed)?;
        let mut count = 0;
        for event in events {
            let event = event.map_err(|error| self.unreadable(&error))?;
            writer.write(&event).map_err(failed)?;
            count += 1;
        }
        writer.finish().map_err(failed)?;
        Ok(count)
    }

    fn unreadable(&self, error: &ReadError) -> Failure {
        Failure::Harness(format!("{}: {error}", self.input.display()))
    }
}
