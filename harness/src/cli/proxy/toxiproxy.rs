//! Toxiproxy's HTTP API in front of our links, so that clients and scripts written for Toxiproxy drive `dateline proxy` as they are.
//!
//! The API and its words are those of Shopify's Toxiproxy 2.9 (its README, "HTTP API" and "Toxics"): proxies, toxics, populate, reset, version.
//! [`toxic`] says what a toxic is to a link, [`proxies`] keeps them, [`server`] answers. Two things differ: a bandwidth is shared by all
//! connections of a proxy instead of each having its own, and a proxy that is disabled resets its connections instead of closing them.
//! Absent on purpose: `/metrics`.

mod proxies;
mod server;
mod toxic;

pub(super) use proxies::Proxies;
pub(super) use server::serve;

/// Why a request is refused: the status and the text of Toxiproxy's own refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    error: String,
}

impl Refusal {
    fn new(status: u16, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
