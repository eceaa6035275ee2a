//! Integration tests of the replica.

mod restart;
mod simulation;
