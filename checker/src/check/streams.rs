//! **Property.** A consumer of a region's stream gets every change of an item once, in the order in which they happened there, and each
//! record's old image is what the record before it left.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": each record appears exactly once, and for each
//! item in the order of its modifications. Invariant I19.
//!
//! **Examples that break it.** `us:w1[0-1] us:w2[2-3] us:s(0:1~-;0:2~-)[4-5]`: 2 replaced 1, not nothing. `us:s()[0-1] us:w1[2-3] us:w2[4-5]
//! us:s(0:2~-)[6-7]`: the change to 1 is missing. `us:w1[0-1] us:w2[2-3] us:s(0:2~-;0:1~2)[4-5]`: 1 had been replaced before 2 was asked for.
//!
//! Versions that arrive from other regions may be skipped: replication may deliver only the newest. What a region acknowledged itself must
//! be in its stream if it was asked for after the first fetch there; that it is missing is known once a later version came, or from a fetch in
//! the final phase, before which a consumer has read to the end. The consumers of a region together read its whole stream.
//!
//! A record whose two images hold the same value is a change of other attributes, such as the stamp of version 2017.11.29. Deletes have no
//! identity: they are judged by the images around them.
//!
//! A stream may be gone and another be there in its place, when its table was created again or its region became a new member. A consumer that finds that out
//! says so and starts over. Each stream is judged by itself: the new one is that of a table that began without items, so it tells of all that the table holds.
//! What was asked for before the consumer knew of it, and is not in the former as far as that was read, may be in either or, with its table, gone.

use super::case::{Case, Consumed, Fate, How, Item, Record, Write};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::frontier::at;
use crate::history::{ProcessId, RegionId, Value};
use crate::table::Table;
use crate::verdict::Violation;

const FETCH: &str = "the fetch that got the record";

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in &case.items {
        findings.is_judged |= !item.records.is_empty();
        for (region, consumed) in item.consumed.iter().enumerate() {
            let region = RegionId(u8::try_from(region).expect("at most 255 regions"));
            let lives = lives(item, region);
            for stream in streams(consumed) {
                let is_its = |r: &&Record<'_>| r.region == region && stream.has(r.operation);
                let judged = Judged {
                    case,
                    item,
                    region,
                    records: item.records.iter().filter(is_its).collect(),
                    lives: &lives,
                    stream,
                };
                judged.judge(&mut findings);
            }
        }
    }
    findings.nothing(0, "no stream record was fetched");
    findings
}

/// One stream of a region, as far as it was read.
#[derive(Clone, Copy)]
struct Stream {
    /// The fetch that found it in the place of another, if any.
    anew: Option<usize>,
    /// The first fetch of the next one.
    end: usize,
    /// What was asked for from here on
    since_ns: u64,
    /// and before this is in no other stream.
    until_ns: u64,
    /// The last fetch of the final phase, if it was read to its end.
    finally: Option<usize>,
}

impl Stream {
    /// Whether this fetch was one of it.
    fn has(&self, fetch: usize) -> bool {
        (self.anew.unwrap_or(0)..self.end).contains(&fetch)
    }
}

/// The streams that a region had, one after the other.
fn streams(consumed: &Consumed) -> Vec<Stream> {
    let Some(since_ns) = consumed.since_ns else {
        return Vec::new();
    };
    let mut streams = vec![Stream {
        anew: None,
        end: usize::MAX,
        since_ns,
        until_ns: u64::MAX,
        finally: consumed.finally,
    }];
    for anew in &consumed.anew {
        let former = streams.last_mut().expect("there is the first one");
        (former.end, former.until_ns, former.finally) = (anew.operation, anew.return_ns, None);
        streams.push(Stream {
            anew: Some(anew.operation),
            end: usize::MAX,
            since_ns: anew.return_ns,
            until_ns: u64::MAX,
            finally: consumed.finally,
        });
    }
    streams
}

/// One item in the stream of one region.
struct Judged<'c, 'h> {
    case: &'c Case<'h>,
    item: &'c Item<'h>,
    region: RegionId,
    stream: Stream,
    records: Vec<&'c Record<'h>>,
    lives: &'c Table<Life>,
}

/// When a version was there in a region at the latest, and when it still was.
type Life = (Option<Moment>, Option<Moment>);

/// The time by which a version was there, or until which it was, with the operation that says so.
type Moment = (u64, usize);

impl Judged<'_, '_> {
    fn judge(&self, findings: &mut Findings) {
        let mut processes: Vec<ProcessId> = self.records.iter().map(|r| r.process).collect();
        processes.sort_unstable();
        processes.dedup();
        if let ([first, ..], [_]) = (&self.records[..], &processes[..]) {
            self.beginning(first, findings);
        }
        for process in processes {
            let records = self.records.iter().filter(|r| r.process == process);
            self.sequence(&records.copied().collect::<Vec<_>>(), findings);
        }
        self.replaced(findings);
        if self.item.is_register {
            self.missing(findings);
        }
        if let Some(fetch) = self.stream.finally {
            self.end(fetch, findings);
        }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence::new(self.case.history, self.item.key)
    }

    /// The beginning of a sentence about this item and stream.
    fn words(&self) -> String {
        let key = key_words(self.case.history, self.item.key);
        let region = region_name(&self.case.history.header, at(self.region));
        format!("{key}: the stream of {region}")
    }

    /// What one consumer got: written values, each old image as left by the record before, nothing twice, in the order of the region.
    fn sequence(&self, records: &[&Record<'_>], findings: &mut Findings) {
        let mut before: Option<&Record<'_>> = None;
        let mut seen: Table<usize> = Table::default();
        let mut latest: Option<(Moment, i64, usize)> = None;
        for record in records {
            if let Some(before) = before.filter(|before| before.new != record.old) {
                findings.add(|| self.gap(before, record));
            }
            before = Some(record);
            let Value::Int(value) = *record.new else {
                continue;
            };
            if !self.item.is_register || record.old == record.new {
                continue;
            }
            self.unwritten(value, record, findings);
            if let Some(first) = seen.insert(value, record.operation) {
                findings.add(|| {
                    self.evidence()
                        .with(first, "the fetch that got it first")
                        .with(record.operation, "the fetch that got it again")
                        .because(format!("{} changes to {value} twice", self.words()))
                });
            }
            let (installed, current) = self.life(value);
            if let (Some((last, other, fetch)), Some(installed)) = (latest, installed)
                && installed.0 < last.0
            {
                findings.add(|| {
                    self.evidence()
                        .with(installed.1, format!("by its return {value} was there"))
                        .with(last.1, format!("when it began, {other} was not replaced yet"))
                        .with(fetch, FETCH)
                        .with(record.operation, FETCH)
                        .because(format!(
                            "{} changes to {other} before it changes to {value}, but the region had it the other way round",
                            self.words()
                        ))
                });
            }
            if let Some(current) = current
                && latest.is_none_or(|(last, ..)| last.0 < current.0)
            {
                latest = Some((current, value, record.operation));
            }
        }
    }

    /// The first record that a region's only consumer got: what it replaced was written before the consumer began, or has a record.
    fn beginning(&self, first: &Record<'_>, findings: &mut Findings) {
        if let Some(anew) = self.stream.anew
            && *first.old != Value::Absent
        {
            findings.add(|| {
                self.evidence()
                    .with(anew, "the fetch that found it in the place of another")
                    .with(first.operation, FETCH)
                    .because(format!(
                        "{} is another one than before, so its table began without items, but it begins with a change of {} to {}",
                        self.words(),
                        words(first.old),
                        words(first.new),
                    ))
            });
            return;
        }
        let old = image(first.old).flatten();
        let writer = old.and_then(|old| self.item.writer(old));
        if let Some(write) = writer.filter(|w| self.stream.since_ns <= w.call_ns) {
            findings.add(|| {
                self.evidence()
                    .with(write.operation, "the write of what was there before")
                    .with(first.operation, FETCH)
                    .because(format!(
                        "{} begins with a change of {} to {}, but the change to the former is missing",
                        self.words(),
                        words(first.old),
                        words(first.new),
                    ))
            });
        }
    }

    /// An old image that is not what the record before it left.
    fn gap(&self, before: &Record<'_>, record: &Record<'_>) -> Violation {
        self.evidence()
            .with(before.operation, "the fetch that got the record before")
            .with(record.operation, FETCH)
            .because(format!(
                "{} says that {} became {}, but the record before left {}. A change is missing, came twice or came out of order",
                self.words(),
                words(record.old),
                words(record.new),
                words(before.new),
            ))
    }

    /// An image that nobody wrote by then.
    fn unwritten(&self, value: i64, record: &Record<'_>, findings: &mut Findings) {
        let versions = self.item.versions.get(value);
        let writers = versions.map(|v| v.writers.iter()).into_iter().flatten();
        let writers: Vec<&Write> = writers.map(|w| &self.item.writes[w]).collect();
        let is_possible = |w: &&&Write| w.fate != Fate::Failed && w.call_ns <= record.return_ns;
        if writers.iter().find(is_possible).is_some() {
            return;
        }
        findings.add(|| {
            let evidence = self.evidence().with(record.operation, FETCH);
            let (evidence, what) = match writers.first() {
                None => (evidence, "nobody wrote it"),
                Some(w) if w.fate == Fate::Failed => (
                    evidence.with(w.operation, "the write that failed"),
                    "its write definitely failed",
                ),
                Some(w) => (
                    evidence.with(w.operation, "the write, asked only later"),
                    "its write was asked for only later",
                ),
            };
            evidence.because(format!("{} changes to {value}, but {what}", self.words()))
        });
    }

    /// When a version was there in this region at the latest, and when it still was.
    fn life(&self, value: i64) -> Life {
        self.lives.get(value).copied().unwrap_or_default()
    }

    /// What writes say that they replaced, against the images.
    fn replaced(&self, findings: &mut Findings) {
        let mut replaced: Table<Option<i64>> = Table::default();
        for sighting in &self.item.sightings {
            if matches!(sighting.how, How::Replaced | How::Condition) {
                replaced.insert(number(sighting.operation), sighting.number());
            }
        }
        for write in self.local_writes() {
            let Some(old) = replaced.get(number(write.operation)).copied() else {
                continue;
            };
            // A delete is found by what it replaced.
            let is_its = |record: &&&Record<'_>| match write.value {
                Some(value) => *record.new == Value::Int(value) && record.old != record.new,
                None => {
                    old.is_some_and(|old| *record.old == Value::Int(old))
                        && record.old != record.new
                }
            };
            let Some(record) = self.records.iter().find(is_its) else {
                continue;
            };
            let is_right = match write.value {
                Some(_) => image(record.old) == Some(old),
                None => *record.new == Value::Absent,
            };
            if is_right || image(record.old).is_none() {
                continue;
            }
            findings.add(|| {
                self.evidence()
                    .with(write.operation, "the write, with what it says it replaced")
                    .with(record.operation, FETCH)
                    .because(format!(
                        "{} says that {} became {}, but the write that replaced {} says it wrote {}",
                        self.words(),
                        words(record.old),
                        words(record.new),
                        number_words(old),
                        number_words(write.value),
                    ))
            });
        }
    }

    /// Acknowledged writes of this region that are not in its stream, although a later version is or it was read to the end.
    fn missing(&self, findings: &mut Findings) {
        let Stream {
            since_ns, finally, ..
        } = self.stream;
        let mut fetched: Table<()> = Table::default();
        let mut latest: Option<(Moment, i64, usize)> = None;
        for record in &self.records {
            if let Value::Int(value) = *record.new
                && fetched.insert(value, ()).is_none()
                && let (_, Some(current)) = self.life(value)
                && latest.is_none_or(|(last, ..)| last.0 < current.0)
            {
                latest = Some((current, value, record.operation));
            }
        }
        for write in self.local_writes().filter(|w| since_ns <= w.call_ns) {
            let Some(value) = write.value.filter(|v| !fetched.contains(*v)) else {
                continue;
            };
            // A value that several wrote names no version.
            if self.item.writer(value).is_none() {
                continue;
            }
            let (installed, _) = self.life(value);
            let later = latest.zip(installed).filter(|((l, ..), i)| i.0 < l.0);
            let evidence = self
                .evidence()
                .with(write.operation, "the acknowledged write");
            match (later, finally) {
                (Some(((last, other, fetch), installed)), _) => {
                    findings.add(|| {
                        evidence
                        .with(installed.1, format!("by its return {value} was there"))
                        .with(last.1, format!("when it began, {other} was there or to come"))
                        .with(fetch, FETCH)
                        .because(format!(
                            "{} has the change to {other}, but not the one to {value} before it",
                            self.words()
                        ))
                    })
                }
                (None, Some(fetch)) => findings.add(|| {
                    evidence
                        .with(fetch, "the last fetch of the final phase")
                        .because(format!(
                            "{} was read to its end, and the change to {value} is not in it",
                            self.words()
                        ))
                }),
                (None, None) => {}
            }
        }
    }

    /// The last record against the item as it is in the end.
    fn end(&self, fetch: usize, findings: &mut Findings) {
        let finals = self.item.final_reads();
        let Some(read) = finals.get(&self.region) else {
            return;
        };
        let Some(last) = self.records.last() else {
            if let Some(anew) = self.stream.anew.filter(|_| *read.value != Value::Absent) {
                findings.add(|| {
                    self.evidence()
                        .with(anew, "the fetch that found it in the place of another")
                        .with(fetch, "the last fetch of the final phase")
                        .with(read.operation, "the final read that shows the item")
                        .because(format!(
                            "{} is another one than before, so its table began without items, but it was read to its end without a record of this one",
                            self.words()
                        ))
                });
                return;
            }
            let since_ns = self.stream.since_ns;
            let arrived = read.number().and_then(|v| self.item.writer(v));
            // Writes of this region are judged above.
            let arrived = arrived.filter(|w| w.region != self.region && w.call_ns >= since_ns);
            if let Some(write) = arrived {
                findings.add(|| {
                    self.evidence()
                        .with(write.operation, "the write in another region")
                        .with(read.operation, "the final read that shows it")
                        .with(fetch, "the last fetch of the final phase")
                        .because(format!(
                            "{} was read to its end without a record of the item, which has changed",
                            self.words()
                        ))
                });
            }
            return;
        };
        if last.new == read.value || at_several(&self.records) {
            return;
        }
        findings.add(|| {
            self.evidence()
                .with(last.operation, "the fetch that got the last record")
                .with(fetch, "the last fetch of the final phase")
                .with(read.operation, "the final read")
                .because(format!(
                    "{} ends with {}, but the item holds {}",
                    self.words(),
                    words(last.new),
                    words(read.value)
                ))
        });
    }

    /// What was acknowledged here and asked for while this was the stream, as far as the consumer knew.
    fn local_writes(&self) -> impl Iterator<Item = &Write> {
        let stream = self.stream;
        let is_its = move |w: &&Write| {
            w.call_ns < stream.until_ns && (stream.anew.is_none() || stream.since_ns <= w.call_ns)
        };
        let writes = self.item.writes.iter().filter(is_its);
        writes.filter(|w| w.region == self.region && w.fate == Fate::Acknowledged)
    }
}

/// The lives of all versions in a region: by their writes, if those were here, and their strong sightings.
fn lives(item: &Item<'_>, region: RegionId) -> Table<Life> {
    let mut lives: Table<Life> = Table::default();
    let mut learn = |value: i64, returned: Option<Moment>, called: Moment| {
        let (installed, current) = lives.or_insert_with(value, Life::default);
        *installed = match (*installed, returned) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        *current = (*current).max(Some(called));
    };
    let seen = item.sightings.iter();
    for sighting in seen.filter(|s| s.region == region && s.is_current()) {
        if let Some(value) = sighting.number() {
            let operation = sighting.operation;
            let returned = (sighting.return_ns, operation);
            learn(value, Some(returned), (sighting.call_ns, operation));
        }
    }
    let live = item.writes.iter().filter(|w| w.fate != Fate::Failed);
    for write in live.filter(|w| w.region == region) {
        let Some(value) = write.value.filter(|v| item.writer(*v).is_some()) else {
            continue;
        };
        let returned = write.return_ns.filter(|_| write.fate == Fate::Acknowledged);
        let returned = returned.map(|ns| (ns, write.operation));
        learn(value, returned, (write.call_ns, write.operation));
    }
    lives
}

/// Whether more than one consumer got records: then the last fetch need not hold the last record.
fn at_several(records: &[&Record<'_>]) -> bool {
    records
        .windows(2)
        .any(|pair| pair[0].process != pair[1].process)
}

/// An image as what a register holds.
fn image(value: &Value) -> Option<Option<i64>> {
    match value {
        Value::Absent => Some(None),
        Value::Int(number) => Some(Some(*number)),
        Value::List(_) => None,
    }
}

fn number(operation: usize) -> i64 {
    i64::try_from(operation).expect("an index")
}
