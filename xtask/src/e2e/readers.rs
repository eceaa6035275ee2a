//! What a load leaves, read by other people's tools: the interval log by HdrHistogram's reader for Python, the series by pyarrow.

use std::time::Duration;

use super::verdict::newest_run;
use super::{Desk, processes, venv};

/// What each command may take.
const LIMIT: Duration = Duration::from_secs(120);

const LOAD: [&str; 14] = [
    "load",
    "run",
    "mixed",
    "--rate",
    "300",
    "--for",
    "3s",
    "--warm-up",
    "1s",
    "--keys",
    "50",
    "--seed",
    "7",
    "--timeout=10s",
];

/// Adds the intervals of each tag and holds them against the percentiles of `summary.json`, at the same ranks.
const INTERVALS: &str = "
import json, math, sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
summary = json.load(open(sys.argv[1] + '/summary.json'))
reader = HistogramLogReader(sys.argv[1] + '/latency.hdr', HdrHistogram(1, 3600000000000, 3))
sums, count = {}, 0
while (interval := reader.get_next_interval_histogram()) is not None:
    count += 1
    tag = interval.get_tag()
    sums.setdefault(tag, HdrHistogram(1, 3600000000000, 3)).add(interval)
def at(histogram, quantile):
    rank, seen = max(1, math.ceil(quantile * histogram.get_total_count())), 0
    for step in histogram.get_recorded_iterator():
        seen += step.count_added_in_this_iter_step
        if seen >= rank:
            return histogram.get_highest_equivalent_value(step.value_iterated_to)
for row in summary['rows']:
    for what in ('response', 'service'):
        told, read = row[what], sums[f\"{row['kind']}.{row['region']}.{what}\"]
        assert read.get_total_count() == told['count'], (row['kind'], row['region'], what)
        for name, quantile in (('p50_ns', .5), ('p90_ns', .9), ('p99_ns', .99), ('p999_ns', .999)):
            assert at(read, quantile) == told[name], (row['kind'], row['region'], what, name, at(read, quantile), told[name])
assert any(tag.startswith('warm-up.') for tag in sums) and any(tag.startswith('lag.') for tag in sums)
lines = sum(line.startswith('Tag=') for line in open(sys.argv[1] + '/latency.hdr'))
assert count == lines, (count, lines)
print(f'{count} intervals of {len(sums)} tags agree with the summary')
";

/// Compares every cell with `series.csv`.
const SERIES: &str = "
import csv, sys
import pyarrow.parquet
table = pyarrow.parquet.read_table(sys.argv[1] + '/series.parquet')
rows = list(csv.DictReader(open(sys.argv[1] + '/series.csv')))
assert table.num_rows == len(rows) > 0
assert table.column_names == list(rows[0])
text = lambda cell: '' if cell is None else str(cell)
for number, (theirs, ours) in enumerate(zip(table.to_pylist(), rows)):
    assert {name: text(cell) for name, cell in theirs.items()} == ours, (number, theirs, ours)
kinds = {str(kind) for kind in table.schema.types}
assert kinds == {'int64', 'string'}, kinds
print(f'{table.num_rows} rows of {table.num_columns} columns agree with the CSV')
";

/// Runs a load and reads its files.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("readers")?;
    println!("e2e: a load");
    prompt.run(&desk.dateline, &LOAD, LIMIT)?.exits(0)?;
    processes::none_left(&prompt.folder)?;
    let run = newest_run(&prompt.folder)?;
    let run = run.to_string_lossy();

    println!("e2e: HdrHistogram's reader opens its interval log");
    let python = venv::library("hdrhistogram", "hdrh")?;
    let answer = prompt.run(&python, &["-c", INTERVALS, &run], LIMIT)?;
    answer.exits(0)?.says("agree with the summary")?;

    println!("e2e: pyarrow reads its series");
    let python = venv::library("pyarrow", "pyarrow")?;
    let answer = prompt.run(&python, &["-c", SERIES, &run], LIMIT)?;
    answer.exits(0)?.says("agree with the CSV")?;
    Ok(())
}
