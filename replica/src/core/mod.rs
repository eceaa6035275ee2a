//! The pure state machine of one region.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod condition;
mod effect;
mod error;
mod input;
mod request;
mod response;
mod value;
mod version;

pub use effect::{Effect, Effects};
pub use error::{ApiError, ErrorKind};
pub use input::{CallId, CallToken, Input, Now, RequestId};
pub use request::*;
pub use response::*;
pub use value::{AttributeValue, Item, Number};
pub use version::{Region, Version};
