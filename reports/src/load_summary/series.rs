//! `series.csv`: what happened in each second, per region and kind, written as the run goes; `series.parquet` is the same at its end.
//!
//! Warm-up is in it, told apart by `measured`. Every name ends in its unit; an empty cell was not measured.

use std::io::{self, Write};

use super::LoadRow;
use crate::parquet::{Cells, Column};

/// One second of one kind of operation in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Second {
    /// Seconds since the run began.
    pub second_s: u64,
    /// Whether it counts: false during warm-up.
    pub measured: Measured,
    /// The region asked.
    pub region: String,
    /// The kind.
    pub kind: String,
    /// Operations that ended up in this second, by how: answered, failed, late, never sent.
    pub answered: u64,
    /// See `answered`.
    pub failed: u64,
    /// See `answered`.
    pub late: u64,
    /// See `answered`.
    pub never_sent: u64,
    /// Percentiles of the response times: 50th, 99th, maximum; `None` when nothing was answered.
    pub response_ns: Option<[u64; 3]>,
    /// The same of the service times.
    pub service_ns: Option<[u64; 3]>,
}

/// Whether a second counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// It is part of the numbers.
    Yes,
    /// It was warm-up.
    WarmUp,
}

impl Measured {
    fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::WarmUp => "warm-up",
        }
    }
}

const HEADING: &str = "second_s,measured,region,kind,answered,failed,late,never_sent,response_p50_ns,response_p99_ns,response_max_ns,service_p50_ns,service_p99_ns,service_max_ns";

impl Second {
    /// The second that a row counted within it tells of.
    #[must_use]
    pub fn of(second_s: u64, measured: Measured, row: &LoadRow) -> Self {
        let three = |times: &super::Times| {
            let told = times.percentiles();
            (told.count > 0).then_some([told.p50_ns, told.p99_ns, told.max_ns])
        };
        Self {
            second_s,
            measured,
            region: row.region.clone(),
            kind: row.kind.clone(),
            answered: row.answered(),
            failed: row.failed(),
            late: row.late,
            never_sent: row.never_sent,
            response_ns: three(&row.response),
            service_ns: three(&row.service),
        }
    }
}

/// Writes the first line.
///
/// # Errors
/// What the writer refused.
pub fn write_heading(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADING}")
}

/// Writes one line.
///
/// # Errors
/// What the writer refused.
pub fn write_second(out: &mut impl Write, second: &Second) -> io::Result<()> {
    let three = |told: Option<[u64; 3]>| {
        told.map_or_else(
            || ",,".to_owned(),
            |told| told.map(|ns| ns.to_string()).join(","),
        )
    };
    let measured = second.measured.name();
    writeln!(
        out,
        "{},{measured},{},{},{},{},{},{},{},{}",
        second.second_s,
        quoted(&second.region),
        quoted(&second.kind),
        second.answered,
        second.failed,
        second.late,
        second.never_sent,
        three(second.response_ns),
        three(second.service_ns),
    )
}

/// A cell that holds a comma or a quotation mark is put into quotation marks (RFC 4180).
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// The same table by columns, for `series.parquet`.
#[must_use]
pub fn columns(seconds: &[Second]) -> Vec<Column> {
    let counts = |of: fn(&Second) -> u64| Cells::Integers(seconds.iter().map(of).collect());
    let texts = |of: fn(&Second) -> &str| {
        Cells::Text(seconds.iter().map(|one| of(one).to_owned()).collect())
    };
    let times = |of: fn(&Second) -> Option<[u64; 3]>, at: usize| {
        Cells::MaybeIntegers(
            seconds
                .iter()
                .map(|one| of(one).map(|told| told[at]))
                .collect(),
        )
    };
    let cells = [
        counts(|one| one.second_s),
        texts(|one| one.measured.name()),
        texts(|one| &one.region),
        texts(|one| &one.kind),
        counts(|one| one.answered),
        counts(|one| one.failed),
        counts(|one| one.late),
        counts(|one| one.never_sent),
        times(|one| one.response_ns, 0),
        times(|one| one.response_ns, 1),
        times(|one| one.response_ns, 2),
        times(|one| one.service_ns, 0),
        times(|one| one.service_ns, 1),
        times(|one| one.service_ns, 2),
    ];
    let names = HEADING.split(',').map(str::to_owned);
    let column = |(name, cells)| Column { name, cells };
    names.zip(cells).map(column).collect()
}

/// A line of `series.csv` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}; each line is one second as in docs/run-folder.md")]
pub struct SeriesError {
    /// From 1.
    pub line: usize,
    /// Which field, and what is wrong with it.
    pub reason: String,
}

/// Reads the file. A last line without its end (the run was killed) is left out.
///
/// # Errors
/// A line is not what [`write_second`] writes.
pub fn read(text: &str) -> Result<Vec<Second>, SeriesError> {
    let mut seconds = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let line = line.strip_suffix('\r').unwrap_or(line);
        let failed = |reason: String| SeriesError {
            line: index + 1,
            reason,
        };
        if index == 0 {
            if line != HEADING {
                return Err(failed(
                    "the first line is not the heading of this version".into(),
                ));
            }
            continue;
        }
        seconds.push(second(&cells(line)).map_err(failed)?);
    }
    Ok(seconds)
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut in_quotes = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let cell = cells.last_mut().expect("there is one from the start");
        match letter {
            '"' if in_quotes && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => cells.push(String::new()),
            _ => cell.push(letter),
        }
    }
    cells
}

fn second(cells: &[String]) -> Result<Second, String> {
    let names: Vec<&str> = HEADING.split(',').collect();
    if cells.len() != names.len() {
        return Err(format!(
            "{} cells, {} are expected",
            cells.len(),
            names.len()
        ));
    }
    let number = |at: usize| -> Result<u64, String> {
        cells[at]
            .parse()
            .map_err(|_| format!("field `{}` is `{}`, not a count", names[at], cells[at]))
    };
    let three = |at: usize| -> Result<Option<[u64; 3]>, String> {
        if cells[at].is_empty() {
            return Ok(None);
        }
        Ok(Some([number(at)?, number(at + 1)?, number(at + 2)?]))
    };
    let measured = match cells[1].as_str() {
        "yes" => Measured::Yes,
        "warm-up" => Measured::WarmUp,
        other => {
            return Err(format!(
                "field `measured` is `{other}`, neither `yes` nor `warm-up`"
            ));
        }
    };
    Ok(Second {
        second_s: number(0)?,
        measured,
        region: cells[2].clone(),
        kind: cells[3].clone(),
        answered: number(4)?,
        failed: number(5)?,
        late: number(6)?,
        never_sent: number(7)?,
        response_ns: three(8)?,
        service_ns: three(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_summary::tests::summary;

    fn written() -> (Vec<Second>, String) {
        let mut seconds: Vec<Second> = summary()
            .rows
            .iter()
            .map(|row| Second::of(3, Measured::Yes, row))
            .collect();
        seconds[1].region = "eu, \"west\"".into();
        seconds[2].response_ns = None;
        seconds[3].measured = Measured::WarmUp;
        let mut out = Vec::new();
        write_heading(&mut out).expect("memory takes all");
        for second in &seconds {
            write_second(&mut out, second).expect("memory takes all");
        }
        (seconds, String::from_utf8(out).expect("it is text"))
    }

    #[test]
    fn seconds_are_written_and_read_back() {
        let (seconds, text) = written();
        insta::assert_snapshot!(text, @r#"
        second_s,measured,region,kind,answered,failed,late,never_sent,response_p50_ns,response_p99_ns,response_max_ns,service_p50_ns,service_p99_ns,service_max_ns
        3,yes,eu-west-1,read,1000,2,0,0,6000639,15007743,15007743,6000639,10903551,11001855
        3,yes,"eu, ""west""",write,1000,2,0,0,6000639,30015487,30015487,6000639,10903551,11001855
        3,yes,us-east-1,read,1000,2,0,0,,,,6000639,10903551,11001855
        3,warm-up,us-east-1,write,1000,2,0,0,6000639,40009727,40009727,6000639,10903551,11001855
        "#);
        assert_eq!(read(&text), Ok(seconds.clone()));
        let cut = &text[..text.len() - 4];
        assert_eq!(read(cut), Ok(seconds[..3].to_vec()));
    }

    #[test]
    fn the_columns_are_those_of_the_heading() {
        let (seconds, text) = written();
        let columns = columns(&seconds);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(Some(names.join(",").as_str()), text.lines().next());
        let last = &columns[13].cells;
        let theirs = seconds.iter().map(|one| one.service_ns.map(|told| told[2]));
        assert_eq!(*last, Cells::MaybeIntegers(theirs.collect()));
    }

    #[test]
    fn a_damaged_line_is_told_with_its_field() {
        let text = written().1.replacen("15", "x", 1);
        let told = read(&text)
            .map(|_| ())
            .expect_err("a count is no count")
            .to_string();
        insta::assert_snapshot!(told, @"line 2: field `response_p99_ns` is `x007743`, not a count; each line is one second as in docs/run-folder.md");
        assert_eq!(read("second\n").expect_err("no heading").line, 1);
    }
}
