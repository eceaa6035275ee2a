//! The real binary, run as people run it: whole runs, interrupted runs, and what bad input gets.

mod bad_input;
mod conformance;
mod dateline;
mod disk;
mod endpoints;
mod gate;
mod interrupted;
mod lag;
mod load;
mod malformed;
mod merge;
mod netns;
mod saved_history;
mod suite;
mod tls_front;
mod whole_run;
