//! The checks, and how they are run: each shielded from the others, merged so that a violation dominates.
//!
//! A check is a pure function from a history by key ([`case`]) to findings. Read [`frontier`] and [`floor`] for the idea that most share,
//! then any check: each file states its property, where the promise comes from, and a history that breaks it.

mod ascent;
mod case;
mod evidence;
mod floor;
mod frontier;
mod growing;

mod common_order;
mod conditional_writes;
mod convergence;
mod counter;
mod delivery;
mod linearizable;
mod list_append;
mod lost_write;
mod monotonic_reads;
mod monotonic_writes;
mod origin_first;
mod phantom;
mod read_your_writes;
mod region_linearizable;
mod resurrection;
mod set;
mod stamp_order;
mod stamps;
mod streams;
mod transactions;
mod winner;
mod writes_follow_reads;

mod minimal;
mod run;
mod tally;

use std::collections::BTreeSet;

pub(crate) use case::{Addition, Builder, Case, Fate, How, Item, Order, Sighting, Wanted, Write};
pub(crate) use case::{Touch, touch_by_last};
pub(crate) use frontier::at;
pub(crate) use run::{Counts, Panel};
pub use run::{check, check_on};
pub(crate) use transactions::{Asked, Look, NEVER, Shows, Sketch, Suspicion, Together};

use crate::expectation::is_usual;
use crate::history::{Header, History, MicroOp, Op};
use evidence::Findings;

/// One check: what it promises, where the promise comes from, what it needs and what it proves.
#[derive(Clone, Copy, Debug)]
pub struct CheckInfo {
    /// Its name on the command line and in verdicts.
    pub id: &'static str,
    /// The property in one sentence.
    pub property: &'static str,
    /// Who promises it.
    pub source: &'static str,
    /// What it needs of the workload or the store.
    pub needs: &'static str,
    /// What a `valid` proves, and what it does not.
    pub proves: &'static str,
    /// What kind of items it judges.
    pub subject: Subject,
    /// Whether it can say nothing without stamps.
    pub needs_stamps: bool,
    run: Run,
}

/// How a check is run.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// Key by key.
    EachKey(fn(&Case<'_>) -> Findings),
    /// All items of transactions at once ([`Together`]).
    Together,
}

/// Kinds of items, by what is asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Whatever it is.
    Anything,
    /// Items that are written and read as a whole.
    Registers,
    /// Items to which elements are added.
    Sets,
    /// Items to which numbers are added.
    Counters,
    /// Items to which elements are appended.
    Lists,
    /// Items that are written as a whole, with a bound on the time that writes take to arrive everywhere.
    Deliveries,
    /// Several items at once.
    Transactions,
    /// The changes of a table in the order in which a consumer gets them.
    Streams,
}

/// All checks, in the order in which a report shows them.
#[must_use]
pub fn registry() -> &'static [CheckInfo] {
    REGISTRY
}

const REGISTRY: &[CheckInfo] = &[
    CheckInfo {
        id: "convergence",
        property: "After all faults are healed and all writes have ended, every region holds the same item",
        source: "DynamoDB global tables: replicas converge under last writer wins",
        needs: "final strong reads of every key in every region",
        proves: "exact for the keys that were read in every region",
        subject: Subject::Anything,
        needs_stamps: false,
        run: Run::EachKey(convergence::run),
    },
    CheckInfo {
        id: "winner",
        property: "In the end every region holds the version with the greatest stamp that anybody saw",
        source: "DynamoDB global tables: last writer wins",
        needs: "visible stamps, final strong reads, unique values",
        proves: "exact for versions that were seen; a write that nobody saw cannot be placed",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(winner::run),
    },
    CheckInfo {
        id: "lost-write",
        property: "Every acknowledged write is in the end held by every region, or was replaced by a greater version",
        source: "DynamoDB: an acknowledged write is durable; invariant I12",
        needs: "visible stamps, final strong reads, unique values",
        proves: "exact for writes that were seen; an unseen write is lost only if what remains was there before it",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(lost_write::run),
    },
    CheckInfo {
        id: "phantom",
        property: "Every value that is seen was written by a write that had begun and did not fail",
        source: "no thin-air, aborted or future reads (Adya 1999, Gibbons and Korach 1997)",
        needs: "unique values",
        proves: "exact",
        subject: Subject::Registers,
        needs_stamps: false,
        run: Run::EachKey(phantom::run),
    },
    CheckInfo {
        id: "resurrection",
        property: "In one region, a version that a delete removed does not come back",
        source: "a delete is a version of its own; invariant I10",
        needs: "visible stamps, unique values, deletes",
        proves: "exact for versions that had been visible in the region before the delete",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(resurrection::run),
    },
    CheckInfo {
        id: "read-your-writes",
        property: "In one region, a strong read sees every write that the region acknowledged before it",
        source: "DynamoDB, read consistency; Terry et al. 1994",
        needs: "visible stamps, unique values, strong reads",
        proves: "exact for writes that were seen; an absent item is accepted if any delete can explain it",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(read_your_writes::run),
    },
    CheckInfo {
        id: "monotonic-reads",
        property: "In one region, strong reads never go back to an older version",
        source: "DynamoDB, read consistency; Terry et al. 1994",
        needs: "visible stamps, unique values, strong reads",
        proves: "exact; an absent item is accepted if any delete can explain it",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(monotonic_reads::run),
    },
    CheckInfo {
        id: "monotonic-writes",
        property: "In one region, a write makes a version greater than every version that the region had acknowledged before it",
        source: "Terry et al. 1994; invariant I4",
        needs: "visible stamps, unique values",
        proves: "exact for writes that were seen",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(monotonic_writes::run),
    },
    CheckInfo {
        id: "writes-follow-reads",
        property: "In one region, a write makes a version greater than every version that the region had shown before it",
        source: "Terry et al. 1994; invariant I4",
        needs: "visible stamps, unique values, strong reads",
        proves: "exact for writes that were seen",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(writes_follow_reads::run),
    },
    CheckInfo {
        id: "stamps",
        property: "A version has one stamp, and no other version has it",
        source: "DynamoDB global tables, aws:rep attributes; invariant I16",
        needs: "visible stamps, unique values, reads in other regions than the writer's",
        proves: "exact for versions that were seen in regions that did not write them",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(stamps::run),
    },
    CheckInfo {
        id: "origin-first",
        property: "A version that another region has shown is visible in the region that wrote it",
        source: "invariant I5: replication starts where the write was installed",
        needs: "visible stamps, unique values, strong reads",
        proves: "exact for versions that were seen elsewhere",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(origin_first::run),
    },
    CheckInfo {
        id: "conditional-writes",
        property: "Within one region a conditional write is decided against the item as it is, and nobody comes between",
        source: "DynamoDB, condition expressions; invariants I7, I8, I9",
        needs: "unique values; visible stamps for all but double winners and wrong answers",
        proves: "necessary conditions: what it flags is wrong, what it passes may still hide behind unseen stamps",
        subject: Subject::Registers,
        needs_stamps: false,
        run: Run::EachKey(conditional_writes::run),
    },
    CheckInfo {
        id: "region-linearizable",
        property: "In one region, strong operations on an item behave as if they happened one at a time, remote versions arriving at any instant",
        source: "Herlihy and Wing 1990; DynamoDB, read consistency and condition expressions",
        needs: "strong reads; unique values keep it fast; no stamps",
        proves: "exact for each key in each region, unless too many operations overlap (then unknown)",
        subject: Subject::Registers,
        needs_stamps: false,
        run: Run::EachKey(region_linearizable::run),
    },
    CheckInfo {
        id: "stamp-order",
        property: "Every region shows the versions of an item in the order of their stamps, at instants that fit all calls and returns",
        source: "DynamoDB global tables: last writer wins; invariants I3, I4, I5 and I7 together",
        needs: "visible stamps, unique values",
        proves: "exact across regions without deletes; with deletes, and for versions of unknown stamp, what it flags is wrong",
        subject: Subject::Registers,
        needs_stamps: true,
        run: Run::EachKey(stamp_order::run),
    },
    CheckInfo {
        id: "common-order",
        property: "The versions of an item have one order in which every region shows them, at instants that fit all calls and returns",
        source: "DynamoDB global tables: last writer wins; invariants I3, I4, I5, I7 and I13 without stamps",
        needs: "unique values, strong reads in several regions; no stamps",
        proves: "exact across regions without deletes, as far as any order of hidden stamps can explain the history; rarely unknown",
        subject: Subject::Registers,
        needs_stamps: false,
        run: Run::EachKey(common_order::run),
    },
    CheckInfo {
        id: "delivery",
        property: "While all links are healthy, a write arrives in every region within the stated bound",
        source: "whoever states the bound; invariant I18",
        needs: "a bound (--delivery-bound), strong reads in other regions than the writer's; stamps, or versions that the writer's region had before",
        proves: "exact where stamps are visible; else for versions that the writing region had replaced",
        subject: Subject::Deliveries,
        needs_stamps: false,
        run: Run::EachKey(delivery::run),
    },
    CheckInfo {
        id: "linearizable",
        property: "Strong operations on an item behave as if they happened one at a time, whichever region was asked",
        source: "Herlihy and Wing 1990; DynamoDB, multi-region strong consistency",
        needs: "strong reads; unique values keep it fast; no stamps; a store that promises it (--expect mrsc, single-region)",
        proves: "exact for each key, unless too many operations overlap (then unknown); a delete of unknown outcome may explain more than one absence",
        subject: Subject::Registers,
        needs_stamps: false,
        run: Run::EachKey(linearizable::run),
    },
    CheckInfo {
        id: "set",
        property: "What was added to a set is in it, once, as soon as the addition was acknowledged, and stays",
        source: "DynamoDB, ADD; Jepsen's set checkers",
        needs: "elements that are added once; strong reads",
        proves: "exact for sets to which one region adds; of others, that nothing is in them that was not added",
        subject: Subject::Sets,
        needs_stamps: false,
        run: Run::EachKey(set::run),
    },
    CheckInfo {
        id: "counter",
        property: "A counter shows the sum of increments that can have happened by then, and of all that must have",
        source: "DynamoDB, atomic counters; Jepsen's counter checker",
        needs: "strong reads",
        proves: "each reading by itself, and that no region goes back, for counters that one region counts; of others, that no increment was applied twice",
        subject: Subject::Counters,
        needs_stamps: false,
        run: Run::EachKey(counter::run),
    },
    CheckInfo {
        id: "list-append",
        property: "A list holds what was appended to it, once, in an order that fits all calls and returns; and no two readings of it disagree",
        source: "DynamoDB, list_append; Elle (Kingsbury and Alvaro 2020)",
        needs: "elements that are appended once; strong reads",
        proves: "exact for lists to which one region appends; of others, elements and order of each reading",
        subject: Subject::Lists,
        needs_stamps: false,
        run: Run::EachKey(list_append::run),
    },
    CheckInfo {
        id: "transactions",
        property: "In the region that was asked, a transaction happens at one instant, all of it or nothing",
        source: "DynamoDB transactions: serializable, atomic in the region of the write; Papadimitriou 1979; invariant I17",
        needs: "transactions; unique values, or lists to which one region appends; strong reads",
        proves: "exact where an order is found or contradicted, for keys without deletes; transactions that read what they replace, old images and stamps make the order of versions known",
        subject: Subject::Transactions,
        needs_stamps: false,
        run: Run::Together,
    },
    CheckInfo {
        id: "streams",
        property: "A region's stream has every change of an item once, in the order in which they happened there, each beginning where the one before it ended",
        source: "DynamoDB Streams: each record exactly once, in the order of an item's modifications; invariant I19",
        needs: "a consumer of each region's stream that records what it fetches (both images); unique values; a last fetch in the final phase to prove that nothing is missing at the end",
        proves: "exact for the images; that a region's own change is missing, once a later one came or the stream was read to its end; what other regions wrote may be skipped",
        subject: Subject::Streams,
        needs_stamps: false,
        run: Run::EachKey(streams::run),
    },
];

/// The names of all checks of last-writer-wins tables that can say something about this history. Other expectations are asked for by name
/// ([`crate::expectations`]).
#[must_use]
pub fn applicable_checks(history: &History) -> Vec<&'static str> {
    applicable(&history.header, &subjects(history).finish())
}

/// The names of all checks of last-writer-wins tables that can say something about a history that speaks of these subjects.
pub(crate) fn applicable(header: &Header, subjects: &BTreeSet<Subject>) -> Vec<&'static str> {
    let all = registry().iter().filter(|info| is_usual(info));
    let all = all.filter(|info| why_not(info, header, subjects).is_none());
    all.map(|info| info.id).collect()
}

/// Why a check can say nothing about any history with this header.
pub(crate) fn never(info: &CheckInfo, header: &Header) -> Option<&'static str> {
    (info.needs_stamps && !header.stamps_visible).then_some("the history shows no stamps")
}

/// Why a check can say nothing about a history that speaks of these subjects.
pub(crate) fn why_not(
    info: &CheckInfo,
    header: &Header,
    subjects: &BTreeSet<Subject>,
) -> Option<&'static str> {
    if let Some(reason) = never(info, header) {
        return Some(reason);
    }
    let what = match info.subject {
        Subject::Anything => return None,
        subject if subjects.contains(&subject) => return None,
        Subject::Registers => "nothing was written as a whole",
        Subject::Sets => "nothing was added to a set",
        Subject::Counters => "nothing was added to a counter",
        Subject::Lists => "nothing was appended to a list",
        Subject::Deliveries if header.delivery.is_some() => return None,
        Subject::Deliveries => "no bound of delivery is stated (--delivery-bound)",
        Subject::Transactions => "there was no transaction",
        Subject::Streams => "no stream was read",
    };
    Some(what)
}

/// What kinds of items a history speaks of.
pub(crate) fn subjects(history: &History) -> Subjects {
    let mut subjects = Subjects::default();
    for operation in &history.operations {
        subjects.add(&operation.op);
    }
    subjects
}

/// The kinds of items that operations speak of.
#[derive(Clone, Default)]
pub(crate) struct Subjects {
    /// Whether there were registers, which nearly all operations are about.
    has_registers: bool,
    others: BTreeSet<Subject>,
}

impl Subjects {
    /// Notes a register that is written.
    pub(crate) fn add_register(&mut self) {
        self.has_registers = true;
    }

    pub(crate) fn add(&mut self, op: &Op) {
        let subject = match op {
            Op::Write { .. } | Op::Cas { .. } | Op::Delete { .. } => return self.add_register(),
            Op::AddToSet { .. } => Subject::Sets,
            Op::Increment { .. } => Subject::Counters,
            Op::Append { .. } => Subject::Lists,
            Op::Stream => Subject::Streams,
            Op::Transact { ops } => {
                let subject = |op: &MicroOp| match op {
                    MicroOp::Read(_) => None,
                    MicroOp::Write(..) => Some(Subject::Registers),
                    MicroOp::Append(..) => Some(Subject::Lists),
                };
                self.others.extend(ops.iter().filter_map(subject));
                Subject::Transactions
            }
            Op::Read { .. } | Op::Scan => return,
        };
        self.others.insert(subject);
    }

    /// Whether nothing but reads was added.
    pub(crate) fn are_read_only(&self) -> bool {
        !self.has_registers && self.others.is_empty()
    }

    /// One without any writes speaks of registers.
    pub(crate) fn finish(mut self) -> BTreeSet<Subject> {
        if self.has_registers || self.others.is_empty() {
            self.others.insert(Subject::Registers);
        }
        self.others
    }
}

#[cfg(test)]
mod tests;
