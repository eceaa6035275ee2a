//! The reference replica: one server process per region of a global table.
//!
//! Read in this order: [`core`] decides (pure: no socket, clock, thread or randomness), [`store`] keeps, [`wire`] translates between
//! DynamoDB's JSON and the core's types, [`server`] is the shell that feeds the core and carries out what it asks for.

pub mod core;
pub mod defects;
pub mod server;
pub mod store;
pub mod wire;
