//! Everything that can happen to a region.

use super::{Region, Request};

/// The time, as the shell read it. The wall clock may step and drift; the monotonic one only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the epoch, by this region's (possibly skewed) clock.
    pub wall_ms: i64,
    /// Nanoseconds since the process began.
    pub monotonic_ns: u64,
}

/// A client's request, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A call that this region made to a peer, until it is answered or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call that a peer made to this region, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken(pub u64);

/// Everything that can happen.
#[derive(Clone, Debug)]
pub enum Input {
    /// A client asked.
    Request {
        /// To be given back with the reply.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// A peer called this region (the peer's side of the link from `from` to here). The bytes are the core's own format.
    Called {
        /// To be given back with the answer.
        token: CallToken,
        /// What the peer sent.
        body: Vec<u8>,
    },
    /// A call to a peer was answered, or failed: no connection, reset, deadline passed. A failed call may have been carried out.
    Answered {
        /// Which call.
        id: CallId,
        /// Whom it went to.
        from: Region,
        /// The answer's bytes, or why there is none.
        result: Result<Vec<u8>, String>,
    },
    /// Every batch up to this commit number is durable and readable through the store.
    Durable {
        /// The last of them.
        through: u64,
    },
    /// The time that [`Effect::WakeAt`](super::Effect::WakeAt) asked for has come. May come early or twice.
    Tick,
}
