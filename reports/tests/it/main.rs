//! The faces of the report, on one made-up run of realistic size.
#![expect(
    clippy::unwrap_used,
    reason = "what a helper of a test assumes wrongly fails that test, with its place"
)]

mod compare;
mod figures;
mod nights;
mod page;
mod schema;
mod shares;
mod synthetic;
mod words;
