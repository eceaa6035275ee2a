//! Draft of the parts of branch h2; the real one is on branch h1.
#![cfg_attr(not(test), expect(dead_code, reason = "wired on branch h1"))]
mod gateway;
mod nemesis;
mod proxy;
mod target;
mod topology;
fn main() {}
