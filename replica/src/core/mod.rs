//! The pure state machine of one region.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod condition;
mod config;
mod effect;
mod error;
mod input;
pub mod key;
mod number;
mod region;
mod request;
mod response;
pub mod size;
mod status;
pub(crate) mod value;
mod version;

pub use config::{Config, Limits};
pub use effect::{Effect, Effects};
pub use error::{ApiError, ErrorKind};
pub use input::{CallId, CallToken, Input, Now, RequestId};
pub use key::{ItemKey, key_of_item, key_of_key_map};
pub use number::{Number, NumberKey};
pub use region::{Core, OpenError};
pub use request::*;
pub use response::*;
pub use status::{Counters, PeerStatus, Status, TableStatusLine};
pub use value::{AttributeValue, Item};
pub use version::{Region, Version};
