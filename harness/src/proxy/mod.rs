//! A seeded TCP proxy: one listener per link, and faults that can be changed while connections are open.
//!
//! ```text
//!   opener ── listener ── forward pump ──► upstream        one link, one connection:
//!          ◄───────────── backward pump ──                 two pumps, each with a bounded queue
//! ```
//! A [`Link`] is one way of opening connections: from one region (or its clients) to another region. Its *forward* direction carries what
//! the opener sends, *backward* the replies; each has its own faults, held by name so that overlapping faults neither hide nor heal each
//! other. A [`Network`] is a link for each ordered pair of regions and one for each region's clients, on a thread of its own.
//!
//! Held bytes are kept, not lost: TCP would send them again. A cut therefore shows as a stall, as in a real partition, and a connection
//! opened during it goes nowhere until it heals. Order within a direction always holds. Absent on purpose: anything below TCP, which
//! is for the wires to regions (`target::cables`). What knows HTTP stands beside the pump, not in it (`repeat`).

mod alarm;
mod connection;
mod fault;
mod gate;
mod link;
mod listener;
mod network;
mod probe;
mod pump;
mod repeat;
mod state;

pub(crate) use fault::{AfterHeal, DIRECTIONS, Direction, LinkFault, StallEnd};
pub(crate) use link::Link;
pub(crate) use network::Network;
pub(crate) use probe::{Carried, probe_all};
pub(crate) use state::ALL;

#[cfg(test)]
mod tests;
