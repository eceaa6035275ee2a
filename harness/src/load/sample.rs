//! One scheduled operation, from the moment that it was meant to start.

/// What is known of one scheduled operation when it ends, or when the run does. Times are nanoseconds since the start of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When the schedule wanted it to start.
    pub(crate) intended_ns: u64,
    /// When it was sent; `None` if no slot was free before the end of the run.
    pub(crate) started_ns: Option<u64>,
    /// When its answer was complete, or the run ended.
    pub(crate) ended_ns: u64,
    /// How it ended.
    pub(crate) ending: Ending,
}

/// How a scheduled operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It succeeded.
    Ok,
    /// It ended in an error, by its code in the table of errors. A timeout counts with its full time.
    Error(&'static str),
    /// It was still open when the run ended: its time is its age so far.
    Open,
    /// It was never sent.
    NeverSent,
}

impl Sample {
    /// Response time: from the intended start. This is what a user waits.
    pub(crate) fn response_ns(&self) -> u64 {
        self.ended_ns.saturating_sub(self.intended_ns)
    }

    /// Service time: from the real start. `None` if it was never sent.
    pub(crate) fn service_ns(&self) -> Option<u64> {
        self.started_ns
            .map(|started| self.ended_ns.saturating_sub(started))
    }

    /// By how much it started later than intended.
    pub(crate) fn late_ns(&self) -> u64 {
        self.started_ns
            .unwrap_or(self.ended_ns)
            .saturating_sub(self.intended_ns)
    }
}
