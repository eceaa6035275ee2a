//! The checker from outside: against brute force, against stored histories, and against files of every kind of damage.

mod big;
mod damage;
mod edges;
mod evidence;
mod finer_edges;
mod format;
mod fuzz;
mod golden;
mod import;
mod measured;
mod metamorphic;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the oracle knows the operations of registers only"
)]
mod oracle;
mod pages;
mod planted;
mod random_transactions;
mod same;
mod simulated;
mod slips;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the generated histories have a few operations only"
)]
mod transactions;
mod whole;
