//! Collecting evidence: the operations of a violation with the part that each plays, and the words for a person.

use super::case::Wanted;
use crate::history::{
    Condition, Ending, Header, History, Key, MicroOp, MicroReply, Observed, Op, Operation, Reply,
    Strength, Value,
};
use crate::verdict::{EvidenceOperation, Violation};

/// How many pieces of evidence a check builds at most for one item before it picks the earliest; it counts all.
const BUILT_COUNT: usize = 100;

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    wanted: Wanted,
    pub(crate) violation_count: u64,
    pub(super) violations: Vec<Violation>,
    /// Why it cannot tell; ignored when there is a violation.
    pub(crate) unknown: Option<String>,
    /// Whether there was anything to judge.
    pub(crate) is_judged: bool,
    /// Why there was nothing to judge, with how much that reason says.
    pub(super) nothing: Option<(u8, String)>,
}

impl Findings {
    /// None yet.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Counts a violation, and keeps its evidence if that is asked for and there is room.
    pub(crate) fn add(&mut self, violation: impl FnOnce() -> Violation) {
        self.violation_count += 1;
        if self.wanted == Wanted::Evidence && self.violations.len() < BUILT_COUNT {
            self.violations.push(violation());
        }
    }

    /// Notes a reason for which it cannot tell; the first one stays.
    pub(crate) fn cannot_tell(&mut self, reason: impl Into<String>) {
        self.unknown.get_or_insert_with(|| reason.into());
    }

    /// Notes why there was nothing to judge, unless something was; of several reasons the one that says most stays.
    pub(crate) fn nothing(&mut self, weight: u8, reason: impl Into<String>) {
        if self.nothing.as_ref().is_none_or(|(own, _)| *own < weight) {
            self.nothing = Some((weight, reason.into()));
        }
    }

    /// Takes in what was found elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        self.violation_count += other.violation_count;
        let room = BUILT_COUNT - self.violations.len();
        self.violations
            .extend(other.violations.into_iter().take(room));
        self.unknown = self.unknown.take().or(other.unknown);
        self.is_judged |= other.is_judged;
        if let Some((weight, reason)) = other.nothing {
            self.nothing(weight, reason);
        }
    }
}

/// A violation under construction.
pub(crate) struct Evidence<'h> {
    history: &'h History,
    /// The item concerned; none when it is about several.
    key: Option<Key>,
    operations: Vec<(usize, String)>,
}

impl<'h> Evidence<'h> {
    pub(crate) fn new(history: &'h History, key: Key) -> Self {
        Self {
            key: Some(key),
            ..Self::across(history)
        }
    }

    /// About several items.
    pub(crate) fn across(history: &'h History) -> Self {
        Self {
            history,
            key: None,
            operations: Vec::new(),
        }
    }

    /// Adds an operation with the part it plays; one that is there already plays both.
    pub(crate) fn with(mut self, operation: usize, role: impl Into<String>) -> Self {
        let role = role.into();
        match self
            .operations
            .iter_mut()
            .find(|(index, _)| *index == operation)
        {
            Some((_, roles)) if *roles == role => {}
            Some((_, roles)) => *roles = format!("{roles}, and {role}"),
            None => self.operations.push((operation, role)),
        }
        self
    }

    pub(crate) fn because(mut self, summary: impl Into<String>) -> Violation {
        self.operations.sort_by_key(|(index, _)| *index);
        let last = self.operations.last();
        let visible_ns = last.map_or(0, |(index, _)| self.history.operations[*index].call_ns);
        let operations = self.operations.iter().map(|(index, role)| {
            let operation = &self.history.operations[*index];
            EvidenceOperation {
                line_invoke: operation.line_invoke,
                line_complete: operation.line_complete,
                process: operation.process.0,
                region: operation.region,
                call_ns: operation.call_ns,
                return_ns: operation.return_ns,
                text: describe(self.history, operation, self.key),
                role: role.clone(),
            }
        });
        Violation {
            key: self.key,
            visible_ns,
            summary: summary.into(),
            operations: operations.collect(),
        }
    }
}

/// A value in words.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::Absent => "nothing".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::List(elements) => format!("{elements:?}"),
    }
}

/// What a register holds, in words.
pub(crate) fn number_words(value: Option<i64>) -> String {
    value.map_or("nothing".to_owned(), |v| v.to_string())
}

/// The name of a key for messages.
pub(crate) fn key_words(history: &History, key: Key) -> String {
    let name = history.header.key_names.get(&key.0);
    name.map_or_else(|| format!("key {}", key.0), |name| format!("key {name}"))
}

/// One sighting in words.
fn seen_words(history: &History, seen: &Observed) -> String {
    let value = words(&seen.value);
    match seen.stamp {
        None => value,
        Some(stamp) => {
            let region = region_name(&history.header, usize::from(stamp.region.0));
            let (seconds, micros) = (
                stamp.time_us.div_euclid(1_000_000),
                stamp.time_us.rem_euclid(1_000_000),
            );
            format!("{value} (stamp {seconds}.{micros:06} {region})")
        }
    }
}

/// The name of a region, by its index.
pub(crate) fn region_name(header: &Header, index: usize) -> &str {
    let name = header.regions.get(index);
    name.map_or("an unknown region", String::as_str)
}

/// An operation in words, as far as it concerns one key; without one, whole and with the keys' names.
fn describe(history: &History, operation: &Operation, key: Option<Key>) -> String {
    let Some(key) = key else {
        return across(history, operation);
    };
    let asked = match &operation.op {
        Op::Read { key: _, strength } => match (strength, &operation.ending) {
            (Strength::Strong, Ending::Ok(Reply::Read(seen))) => {
                return format!("read {}", seen_words(history, seen));
            }
            (Strength::Eventual, Ending::Ok(Reply::Read(seen))) => {
                return format!("read (eventually consistent) {}", seen_words(history, seen));
            }
            (_, _) => "read".to_owned(),
        },
        Op::Write { key: _, value } => format!("wrote {}", words(value)),
        Op::Delete { key: _ } => "deleted".to_owned(),
        Op::Cas {
            key: _,
            condition,
            value,
        } => {
            let done = match value {
                Value::Absent => "deleted".to_owned(),
                Value::Int(_) | Value::List(_) => format!("wrote {}", words(value)),
            };
            match condition {
                Condition::Equals(Value::Absent) => format!("{done} if absent"),
                Condition::Equals(required) => format!("{done} if it holds {}", words(required)),
                Condition::Exists => format!("{done} if present"),
            }
        }
        Op::AddToSet { key: _, element } => format!("added {element}"),
        Op::Increment { key: _, delta } => format!("incremented by {delta}"),
        Op::Append { key: _, element } => format!("appended {element}"),
        Op::Transact { ops } => transaction_words(ops, key),
        Op::Scan => "scanned the table".to_owned(),
        Op::Stream => return stream_words(history, operation, key),
    };
    match &operation.ending {
        Ending::Ok(Reply::Done { old: Some(old) }) => {
            format!("{asked}, replacing {}", seen_words(history, old))
        }
        Ending::Ok(_) => asked,
        Ending::Failed {
            error,
            seen: Some(seen),
        } => {
            format!(
                "{asked}: refused ({error}), it held {}",
                seen_words(history, seen)
            )
        }
        Ending::Failed { error, seen: None } => format!("{asked}: refused ({error})"),
        Ending::Unknown { error: Some(error) } => format!("{asked}: outcome unknown ({error})"),
        Ending::Unknown { error: None } => format!("{asked}: still in flight at the end"),
    }
}

/// The records of a key that a fetch got.
fn stream_words(history: &History, operation: &Operation, key: Key) -> String {
    let mut words = match &operation.ending {
        Ending::Ok(Reply::StreamAnew(_)) => "found another stream and fetched its records",
        Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => "fetched stream records",
    }
    .to_owned();
    if let Ending::Ok(Reply::Stream(records) | Reply::StreamAnew(records)) = &operation.ending {
        for (_, new, old) in records.iter().filter(|(own, ..)| *own == key) {
            let (new, old) = (seen_words(history, new), seen_words(history, old));
            words = format!("{words}; {old} became {new}");
        }
    }
    words
}

/// An operation in words, with the names of its keys.
fn across(history: &History, operation: &Operation) -> String {
    let Op::Transact { ops } = &operation.op else {
        let key = operation.op.key().unwrap_or(Key(0));
        let name = key_words(history, key);
        return format!("{name}: {}", describe(history, operation, Some(key)));
    };
    let results = match &operation.ending {
        Ending::Ok(Reply::Transact(results)) => &results[..],
        Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => &[],
    };
    let step = |(place, op): (usize, &MicroOp)| match (op, results.get(place)) {
        (MicroOp::Read(key), Some(MicroReply::Read(seen))) => {
            format!(
                "{}: read {}",
                key_words(history, *key),
                seen_words(history, seen)
            )
        }
        (MicroOp::Read(key), _) => format!("{}: read", key_words(history, *key)),
        (MicroOp::Write(key, value), _) => {
            format!("{}: wrote {}", key_words(history, *key), words(value))
        }
        (MicroOp::Append(key, element), _) => {
            format!("{}: appended {element}", key_words(history, *key))
        }
    };
    let steps: Vec<String> = ops.iter().enumerate().map(step).collect();
    let ending = match &operation.ending {
        Ending::Ok(_) => String::new(),
        Ending::Failed { error, .. } => format!(": refused ({error})"),
        Ending::Unknown { .. } => ": outcome unknown".to_owned(),
    };
    format!("transaction ({}){ending}", steps.join("; "))
}

fn transaction_words(ops: &[MicroOp], key: Key) -> String {
    let own = ops.iter().find_map(|op| match op {
        MicroOp::Write(k, value) if *k == key => Some(format!("wrote {}", words(value))),
        MicroOp::Append(k, element) if *k == key => Some(format!("appended {element}")),
        MicroOp::Read(k) if *k == key => Some("read".to_owned()),
        MicroOp::Read(_) | MicroOp::Write(..) | MicroOp::Append(..) => None,
    });
    format!(
        "{} in a transaction of {} steps",
        own.unwrap_or_default(),
        ops.len()
    )
}

#[cfg(test)]
mod tests {
    use super::{BUILT_COUNT, Evidence, Findings, Wanted};
    use crate::history::{Key, one_line};

    fn judged(is_judged: bool, nothing: (u8, &str)) -> Findings {
        let mut findings = Findings::new(Wanted::Outcome);
        findings.is_judged = is_judged;
        findings.nothing(nothing.0, nothing.1);
        findings
    }

    #[test]
    fn of_what_was_found_apart_nothing_gets_lost() {
        for (one, other, expected) in [
            ((1, "one"), (1, "other"), "one"),
            ((0, "one"), (1, "other"), "other"),
            ((1, "one"), (0, "other"), "one"),
        ] {
            let mut all = judged(true, one);
            all.merge(judged(false, other));
            assert!(all.is_judged, "what was judged stays judged");
            assert_eq!(all.nothing.expect("a reason").1, expected);
        }
        let mut late = judged(false, (0, "one"));
        late.merge(judged(true, (0, "other")));
        assert!(late.is_judged, "it becomes judged");
    }

    #[test]
    fn evidence_is_built_for_so_many_and_all_are_counted() {
        let history = one_line("us:w1[0-1] us:r1[2-3]").expect("well formed");
        let mut findings = Findings::new(Wanted::Evidence);
        for _ in 0..=BUILT_COUNT {
            findings.add(|| Evidence::new(&history, Key(0)).because("it"));
        }
        let found = (findings.violation_count, findings.violations.len());
        assert_eq!(found, (BUILT_COUNT as u64 + 1, BUILT_COUNT));
    }

    #[test]
    fn an_operation_plays_each_part_once() {
        let history = one_line("us:w1[0-1] us:r1[2-3]").expect("well formed");
        let evidence = Evidence::new(&history, Key(0));
        let evidence = evidence.with(1, "one").with(0, "first").with(1, "one");
        let violation = evidence.with(1, "other").because("it");
        let roles: Vec<&str> = violation.operations.iter().map(|o| &*o.role).collect();
        assert_eq!(roles, ["first", "one, and other"]);
        assert_eq!(violation.visible_ns, 2_000_000);
    }

    #[test]
    fn a_step_of_a_transaction_is_told_by_what_it_did_to_the_item() {
        let history = one_line("us:t(2r-;3w4;4p5;1w7)[0-1]").expect("well formed");
        for (key, words) in [
            (1, "wrote 7"),
            (2, "read"),
            (3, "wrote 4"),
            (4, "appended 5"),
        ] {
            let evidence = Evidence::new(&history, Key(key)).with(0, "it");
            let text = evidence.because("it").operations.remove(0).text;
            assert_eq!(text, format!("{words} in a transaction of 4 steps"));
        }
    }
}
