//! The faces of the report, on one made-up run of realistic size.

mod page;
mod synthetic;
