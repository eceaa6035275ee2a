//! The client of the measured path: one attempt, one record.
//!
//! [`Client::attempt`] sends one request over the slot's own connection and says what became of it: done, definitely not done, or
//! nobody knows - by [`errors`], the one table. It never retries; after an outcome that nobody knows its connection is closed,
//! so that nothing of it can reach a later attempt. [`dynamodb`] translates between operations and DynamoDB's JSON, with
//! a codec of our own that shares no line with the replica's: one codec bug must not cancel itself out.

pub(crate) mod errors;

pub(crate) mod dynamodb;

mod connection;
mod page;
mod sigv4;

pub(crate) mod control;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use checker::history::{EventKind, Op};

use connection::Answer;
pub(crate) use connection::{Connection, Transport};
pub(crate) use sigv4::Credentials;

/// Where and how one client talks to one region.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Where it connects to: the proxy in front of the region.
    pub(crate) address: SocketAddr,
    /// The region's name, which is signed into every request.
    pub(crate) region: String,
    /// Who signs.
    pub(crate) credentials: Arc<Credentials>,
    /// How long an attempt may take, connecting included.
    pub(crate) timeout: Duration,
}

/// What every client of a run agrees on.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The table's name.
    pub(crate) table: String,
    /// Region names in the order of the history's header: `aws:rep:updateregion` is looked up here.
    pub(crate) regions: Vec<String>,
    /// What it means when a failed condition shows no item.
    pub(crate) failed_condition: FailedCondition,
}

/// What it means when the answer to a failed condition holds no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailedCondition {
    /// The server honours `ReturnValuesOnConditionCheckFailure`: there was no item.
    ProvesAbsence,
    /// Nothing: not every server honours it.
    #[expect(dead_code, reason = "foreign endpoints are issue 6")]
    SaysNothing,
}

/// One slot's client.
pub(crate) struct Client {
    endpoint: Endpoint,
    dialect: Arc<Dialect>,
    connection: Connection,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, dialect: Arc<Dialect>) -> Self {
        let connection = Connection::new(endpoint.clone());
        Self {
            endpoint,
            dialect,
            connection,
        }
    }

    /// Does one operation, once.
    pub(crate) async fn attempt(&mut self, op: &Op) -> EventKind {
        let request = dynamodb::request(op, &self.dialect);
        let outcome = match self.exchange(request).await {
            Ok(answer) => dynamodb::outcome(op, &answer, &self.dialect),
            Err(code) => outcome_of(code),
        };
        if matches!(outcome, EventKind::Info { .. }) {
            self.connection.close();
        }
        outcome
    }

    /// Sends one request, once, and brings its answer or the code of what became of it.
    async fn exchange(&mut self, request: Request) -> Result<Answer, &'static str> {
        let sent = tokio::time::timeout(
            self.endpoint.timeout,
            self.connection.send(request.operation, request.body),
        )
        .await;
        match sent {
            Ok(answer) => answer.map_err(Transport::code),
            Err(_elapsed) if self.connection.is_connecting() => Err(errors::CONNECT_TIMEOUT),
            Err(_elapsed) => Err(errors::TIMEOUT),
        }
    }
}

/// The outcome that a code stands for.
pub(crate) fn outcome_of(code: &str) -> EventKind {
    let row = errors::look_up(code).expect("the caller names registered codes only");
    match row.effect {
        errors::Effect::Definite => EventKind::Fail {
            error: row.code.to_owned(),
            seen: None,
        },
        errors::Effect::Indefinite => EventKind::Info {
            error: row.code.to_owned(),
        },
    }
}

/// A request's name and JSON.
pub(crate) struct Request {
    pub(crate) operation: &'static str,
    pub(crate) body: Bytes,
}
