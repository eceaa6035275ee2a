//! Integration tests of the replica.

mod restart;
