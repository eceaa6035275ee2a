//! The pure state machine of one region.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod condition;
mod effect;
mod error;
mod input;
pub mod key;
mod number;
mod request;
mod response;
pub mod size;
pub(crate) mod value;
mod version;

pub use effect::{Effect, Effects};
pub use error::{ApiError, ErrorKind};
pub use input::{CallId, CallToken, Input, Now, RequestId};
pub use key::{ItemKey, key_of_item, key_of_key_map};
pub use number::{Number, NumberKey};
pub use request::*;
pub use response::*;
pub use value::{AttributeValue, Item};
pub use version::{Region, Version};
