//! Open-loop load that tells the truth.
//!
//! Operations start when the [schedule](workloads::arrival) says, whatever the server does; [`Sample`] keeps the intended start, the real start and
//! the end apart, so that response time (from the intended start) and service time (from the real one) are always shown together. What could not be
//! sent in time is counted, never forgotten: late starts, operations never sent, operations still open at the end with their age.
//! [`run`] is a run from set-up to goals, [`settings`] what it is to do, with [`quantity`] as people write numbers and [`mix`] as the operations; [`meter`]
//! counts, [`pacer`] releases operations in real time, [`engine`] sends them through its [`slot`]s to a [`site`]; [`heartbeat`] and [`lag`] measure
//! replication; [`recorder`] and [`evidence`] write it all down. `virtual_time` is the engine's rules without a clock, which lets tests compare with theory to
//! the nanosecond.

pub(crate) mod run;

pub(crate) mod settings;

pub(crate) mod quantity;

pub(crate) mod mix;

mod sample;

pub(crate) mod meter;

#[cfg(test)]
pub(crate) mod virtual_time;

pub(crate) mod pacer;

pub(crate) mod engine;

pub(crate) mod slot;

pub(crate) mod site;

pub(crate) mod preload;

pub(crate) mod heartbeat;

pub(crate) mod lag;

pub(crate) mod recorder;

pub(crate) mod evidence;

pub(crate) use run::run;
pub(crate) use sample::{Ending, Sample};
pub(crate) use settings::LoadSettings;
