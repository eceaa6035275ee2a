//! Draft.
#[expect(dead_code, reason = "wired when the command line is")]
mod proxy;
#[expect(dead_code, reason = "wired when the command line is")]
mod topology;
fn main() {}
