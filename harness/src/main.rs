//! Draft.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "wired when the command line is")
)]
mod nemesis;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "wired when the command line is")
)]
mod proxy;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "wired when the command line is")
)]
mod target;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "wired when the command line is")
)]
mod topology;
fn main() {}
