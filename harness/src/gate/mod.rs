//! `dateline gate`: two builds in turns on one machine, each run a fresh process.
//!
//! Read in this order: [`settings`] is what was asked for, [`command`] a command line with its placeholders, [`measure`] a process of our own that runs one
//! command and says what it cost, [`child`] starts that, [`instructions`] counts instructions where the kernel allows it, [`session`] makes the runs. What to run next and what
//! it all means is decided in `reports::gate`; what many nights say in `reports::nights`.
//!
//! Every run gets a fresh process, folder, port and size of environment (the last moves the stack, and with it what lies in which cache line: Mytkowicz
//! and others, ASPLOS 2009), so that luck of that kind is noise and not a difference. Deliberately absent: container images. What runs under a daemon is not
//! our child, so its CPU time is not seen; a command can write figures of its own into `{folder}/metrics.json`.

pub(crate) mod child;
mod command;
mod instructions;
pub(crate) mod measure;
mod session;
mod settings;

pub(crate) use session::{Talk, run};
pub(crate) use settings::{GateForm, Runs, Settings, duration};
