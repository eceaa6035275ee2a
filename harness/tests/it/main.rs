//! The real binary, run as people run it: whole runs, interrupted runs, and what bad input gets.

mod bad_input;
mod dateline;
mod interrupted;
mod load;
mod saved_history;
mod whole_run;
