//! Open-loop load that tells the truth.
//!
//! Operations start when the [schedule](workloads::arrival) says, whatever the server does; [`Sample`] keeps the intended start, the real start and
//! the end apart, so that response time (from the intended start) and service time (from the real one) are always shown together. What could not be
//! sent in time is counted, never forgotten: late starts, operations never sent, operations still open at the end with their age.
//! [`mod@run`] is a load from set-up to goals and [`stage`] a stretch of it, [`ladder`] several of them with [`mod@search`] to choose their rates; [`settings`] is
//! what is to be done, with [`quantity`] as people write numbers, [`elsewhere`] where regions are and [`mix`] as the operations ([`writes`] for those that are no registers). [`meter`] counts, [`pacer`]
//! releases operations in real time, [`engine`] sends them through its [`slot`]s to a [`site`] under [`faults`]; [`heartbeat`] and [`lag`] measure
//! replication, [`clocks`] how far the clocks of several shares are apart; [`recorder`] and [`evidence`] write it all down, [`recording`] every operation for a checker, [`view`] shows it. `virtual_time` is the engine's rules without a clock, which lets tests compare with theory to
//! the nanosecond; [`spent`] is what the generator cost, [`echo`] a server to measure the generator against.

mod run;

mod stage;

mod ladder;

pub(crate) mod search;

mod settings;

pub(crate) mod quantity;

mod elsewhere;

mod mix;

mod writes;

mod sample;

mod meter;

#[cfg(test)]
mod virtual_time;

mod pacer;

mod engine;

mod slot;

mod spent;

mod site;

mod faults;

mod preload;

mod recording;

mod heartbeat;

mod lag;

mod clocks;

mod recorder;

mod view;

mod evidence;

pub(crate) mod echo;

pub(crate) use evidence::{ending, is_corrupt};
pub(crate) use ladder::{saved as saved_trials, search, steps};
pub(crate) use run::run;
pub(crate) use sample::{Ending, Sample};
pub(crate) use settings::{Course, LoadSettings};
