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

pub(crate) mod credentials;

pub(crate) mod tls;

pub(crate) mod control;

pub(crate) mod adapter;

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use checker::history::{EventKind, Key, Op};
use workloads::workload::Location;

use adapter::{Adapter, AdapterSpec};
use connection::Answer;
pub(crate) use connection::{Connection, Transport};
pub(crate) use credentials::{Chain, Credentials, CredentialsError, Environment};
pub(crate) use tls::{Tls, Trust, TrustError};

/// Where and how one client talks to one region.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Where it connects to: the proxy in front of the region.
    pub(crate) address: SocketAddr,
    /// The `Host` of every request: the region's own name, whatever proxy is in front of it.
    pub(crate) host: String,
    /// How it is greeted, where it speaks https.
    pub(crate) tls: Option<Tls>,
    /// Where it is asked for its streams, if that is another host.
    pub(crate) streams: Option<Box<Endpoint>>,
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
    /// Whether versions are made up.
    pub(crate) forgery: Arc<Forgery>,
    /// When what is written expires.
    pub(crate) lifetimes: Lifetimes,
    /// Where items lie.
    pub(crate) locations: Locations,
}

impl Dialect {
    /// The table of an item, and its number there.
    fn place(&self, key: Key) -> (Cow<'_, str>, Key) {
        let location = match &self.locations.0 {
            Some(locate) => locate(key),
            None => Location::of(key),
        };
        let table = match location.table {
            Some(number) => numbered(&self.table, number).into(),
            None => self.table.as_str().into(),
        };
        (table, location.item)
    }
}

/// The name of a table that a workload asked for, beside the table of the run.
pub(crate) fn numbered(table: &str, number: u64) -> String {
    format!("{table}-{number}")
}

/// Where items lie. By default all are in the table of the run, under their own numbers.
#[derive(Clone, Default)]
pub(crate) struct Locations(Option<Locate>);

type Locate = Arc<dyn Fn(Key) -> Location + Send + Sync>;

impl Locations {
    /// Items lie where this says.
    pub(crate) fn of(locate: impl Fn(Key) -> Location + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(locate)))
    }
}

impl std::fmt::Debug for Locations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.0.is_some() { "many" } else { "one" };
        write!(f, "Locations({what})")
    }
}

/// After how many seconds a version of an item expires, by its write id. By default none does.
#[derive(Clone, Default)]
pub(crate) struct Lifetimes(Option<Lifetime>);

type Lifetime = Arc<dyn Fn(Key, i64) -> Option<u64> + Send + Sync>;

impl Lifetimes {
    /// Versions expire as this says.
    pub(crate) fn of(lifetime: impl Fn(Key, i64) -> Option<u64> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(lifetime)))
    }

    /// When a version that is written now expires, in seconds since the epoch.
    fn expires_s(&self, key: Key, id: i64) -> Option<i64> {
        let lifetime_s = self.0.as_ref()?(key, id)?;
        let lifetime_s = i64::try_from(lifetime_s).expect("it is less than an age");
        Some(jiff::Timestamp::now().as_second() + lifetime_s)
    }
}

impl std::fmt::Debug for Lifetimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.0.is_some() { "some" } else { "none" };
        write!(f, "Lifetimes({what})")
    }
}

/// Whether clients make up versions for what they write, and how often they did.
#[derive(Debug, Default)]
pub(crate) struct Forgery {
    is_on: AtomicBool,
    count: AtomicU64,
}

impl Forgery {
    /// They do from now on.
    pub(crate) fn begin(&self) {
        self.is_on.store(true, Ordering::Relaxed);
    }

    /// They do not any more.
    pub(crate) fn end(&self) {
        self.is_on.store(false, Ordering::Relaxed);
    }

    /// How many requests had one.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the request that is put together now has one.
    fn applies(&self) -> bool {
        let applies = self.is_on.load(Ordering::Relaxed);
        self.count.fetch_add(u64::from(applies), Ordering::Relaxed);
        applies
    }
}

/// What it means when the answer to a failed condition holds no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailedCondition {
    /// The server honours `ReturnValuesOnConditionCheckFailure`: there was no item.
    ProvesAbsence,
    /// Nothing: not every server honours it.
    SaysNothing,
}

/// How many bytes the client adds to each item that it writes, and expects in each that it reads.
pub(crate) type Padding = Arc<dyn Fn(Key) -> usize + Send + Sync>;

/// One slot's client.
pub(crate) struct Client(Way);

/// How it talks to its region.
enum Way {
    Http(Box<HttpClient>),
    Adapter(Box<Adapter>),
}

impl Client {
    /// One that speaks DynamoDB's API.
    pub(crate) fn new(endpoint: Endpoint, dialect: Arc<Dialect>) -> Self {
        Self(Way::Http(Box::new(HttpClient::new(endpoint, dialect))))
    }

    /// One that leaves the talking to a program of somebody else's.
    pub(crate) fn adapter(spec: AdapterSpec) -> Self {
        Self(Way::Adapter(Box::new(Adapter::new(spec))))
    }

    /// The same, with items of these sizes. Adapters are not asked for it.
    pub(crate) fn padded(self, padding: Padding) -> Self {
        match self.0 {
            Way::Http(client) => Self(Way::Http(Box::new(client.padded(padding)))),
            Way::Adapter(_) => self,
        }
    }

    /// Does one operation, once.
    pub(crate) async fn attempt(&mut self, op: &Op) -> EventKind {
        match &mut self.0 {
            Way::Http(client) => client.attempt(op).await,
            Way::Adapter(adapter) => adapter.attempt(op).await,
        }
    }
}

/// One that speaks DynamoDB's API.
struct HttpClient {
    endpoint: Endpoint,
    dialect: Arc<Dialect>,
    connection: Connection,
    padding: Padding,
    consumer: dynamodb::Consumer,
}

impl HttpClient {
    fn new(endpoint: Endpoint, dialect: Arc<Dialect>) -> Self {
        let connection = Connection::new(endpoint.clone());
        Self {
            endpoint,
            dialect,
            connection,
            padding: Arc::new(|_| 0),
            consumer: dynamodb::Consumer::default(),
        }
    }

    fn padded(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Does one operation, once.
    async fn attempt(&mut self, op: &Op) -> EventKind {
        let outcome = match op {
            Op::Scan => self.scan().await,
            Op::Stream => self.fetch().await,
            Op::Read { .. }
            | Op::Write { .. }
            | Op::Cas { .. }
            | Op::Delete { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Transact { .. } => {
                let request = dynamodb::request(op, &self.dialect, &*self.padding);
                match self.exchange(request).await {
                    Ok(answer) => dynamodb::outcome(op, &answer, &self.dialect, &*self.padding),
                    Err(code) => outcome_of(code),
                }
            }
        };
        if matches!(outcome, EventKind::Info { .. }) {
            self.connection.close();
        }
        outcome
    }

    /// A copy of the whole table: page after page, each with the time limit of an operation. One page that fails fails all.
    async fn scan(&mut self) -> EventKind {
        let mut copy = dynamodb::Copy::default();
        loop {
            let request = copy.request(&self.dialect);
            let answer = match self.exchange(request).await {
                Ok(answer) => answer,
                Err(code) => return outcome_of(code),
            };
            if let Some(outcome) = copy.add(&answer, &self.dialect, &*self.padding) {
                return outcome;
            }
        }
    }

    /// What the region's stream has had since the last fetch: shard after shard, each request with the time limit of an operation.
    async fn fetch(&mut self) -> EventKind {
        self.consumer.begin();
        while let Some(request) = self.consumer.request(&self.dialect) {
            let answer = match self.exchange(request).await {
                Ok(answer) => answer,
                Err(code) => return outcome_of(code),
            };
            let reader = dynamodb::Reader {
                dialect: &self.dialect,
                sizes: &*self.padding,
            };
            if let Some(outcome) = self.consumer.take(&answer, &reader) {
                return outcome;
            }
        }
        self.consumer.finish()
    }

    /// One request and its whole answer, or the code of what kept it from coming.
    async fn exchange(&mut self, request: Request) -> Result<Answer, &'static str> {
        let sent = tokio::time::timeout(
            self.endpoint.timeout,
            self.connection.send(request.operation, request.body),
        )
        .await;
        match sent {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(transport)) => Err(transport.code()),
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
