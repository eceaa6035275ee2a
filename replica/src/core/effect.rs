//! Everything the core can ask of the world.

use super::{ApiError, CallId, CallToken, Region, RequestId, Response};
use crate::store::Batch;

/// What one step asks for, in order.
pub type Effects = Vec<Effect>;

/// Everything the core can ask for.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most effects are replies, which are the large ones; a box would cost each of them an allocation"
)]
pub enum Effect {
    /// Answer a client.
    Reply {
        /// Which request.
        to: RequestId,
        /// The answer.
        result: Result<Response, ApiError>,
    },
    /// Make a batch durable. Batches are numbered without gaps and must become durable in order; several may share one fsync. The shell says
    /// [`Input::Durable`](super::Input::Durable) when one is on disk *and* readable.
    Commit(Batch),
    /// Call a peer over the link from here to there.
    Call {
        /// Whom.
        to: Region,
        /// To be given back with the answer.
        id: CallId,
        /// The bytes to send.
        body: Vec<u8>,
        /// How long to wait for the answer.
        deadline_ms: u64,
    },
    /// Answer a peer's call.
    Answer {
        /// Which call.
        to: CallToken,
        /// The bytes to answer.
        body: Vec<u8>,
    },
    /// Say [`Input::Tick`](super::Input::Tick) at this monotonic time, at the latest. A later `WakeAt` replaces this one.
    WakeAt {
        /// When.
        monotonic_ns: u64,
    },
    /// Something an operator should read in the log.
    Log(String),
}
