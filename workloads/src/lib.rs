//! What clients do: seeded, pure generators of operations, and the checks that judge them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
