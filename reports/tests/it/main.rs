//! The faces of the report, on one made-up run of realistic size.

mod figures;
mod page;
mod schema;
mod synthetic;
mod words;
