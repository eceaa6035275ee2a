//! Who signs: keys from where every AWS tool looks for them, renewed while a run goes on, because temporary ones expire.
//!
//! [`Chain`] looks in the [environment](Environment), in the [files of profiles](profile), which may name a [program](process) to ask, and asks the
//! [container or instance](metadata) that we run in. Absent on purpose: single sign-on, roles and web identities. The aws CLI hands those out through
//! a profile's `credential_process`, and the message for whoever has none of the others says how.

mod environment;

mod chain;

mod profile;

mod process;

mod metadata;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

pub(crate) use chain::{Chain, CredentialsError};
pub(crate) use environment::Environment;

/// Keys that could not be renewed are asked for again after this, or after three quarters of their time.
const RETRY_LEAST: Duration = Duration::from_secs(2);

/// One set of keys. Servers of our own take any.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// Sent and signed with every request, where keys are temporary.
    pub(crate) session_token: Option<String>,
    /// When they are good for nothing any more.
    pub(crate) expires: Option<Timestamp>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither secret nor token ever reaches a log.
        formatter
            .debug_struct("Keys")
            .field("access_key", &self.access_key)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Good for ever.
    pub(crate) fn lasting(access_key: &str, secret_key: &str) -> Self {
        Self {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            session_token: None,
            expires: None,
        }
    }

    /// What cannot stand in a header of a request is refused, with the name of what it is.
    fn checked(self) -> Result<Self, String> {
        let is_fine =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let token = self.session_token.as_deref();
        for (name, text) in [
            ("access key", self.access_key.as_str()),
            ("secret key", self.secret_key.as_str()),
            ("session token", token.unwrap_or("none")),
        ] {
            if !is_fine(text) {
                return Err(format!(
                    "its {name} is empty, or holds a space or a character that is not ASCII"
                ));
            }
        }
        Ok(self)
    }
}

/// Where keys come from. Asking blocks; it is never done on a runtime.
pub(crate) trait KeySource: Send + Sync {
    /// Keys as they are now; what went wrong if there are none.
    fn fetch(&self) -> Result<Keys, String>;
}

/// Keys as they are now, for every client of a run.
pub(crate) struct Credentials {
    state: Mutex<State>,
    source: Option<Arc<dyn KeySource>>,
}

struct State {
    keys: Arc<Keys>,
    renew_at: Option<Timestamp>,
    is_renewing: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state().keys.fmt(formatter)
    }
}

impl Credentials {
    /// Keys that never change.
    pub(crate) fn fixed(access_key: &str, secret_key: &str) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                keys: Arc::new(Keys::lasting(access_key, secret_key)),
                renew_at: None,
                is_renewing: false,
            }),
            source: None,
        })
    }

    /// Those of a source, which is asked again before they expire.
    pub(crate) fn of(keys: Keys, source: Arc<dyn KeySource>, now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                renew_at: renewal(&keys, now),
                keys: Arc::new(keys),
                is_renewing: false,
            }),
            source: Some(source),
        })
    }

    /// The keys to sign with. Never waits: when three quarters of their time are over, a thread of its own asks for others meanwhile.
    pub(crate) fn current(self: &Arc<Self>, now: Timestamp) -> Arc<Keys> {
        let mut state = self.state();
        let is_due = state.renew_at.is_some_and(|at| at <= now) && !state.is_renewing;
        if let (true, Some(source)) = (is_due, &self.source) {
            state.is_renewing = true;
            let (credentials, source) = (self.clone(), source.clone());
            let begun = std::thread::Builder::new()
                .name("credentials".to_owned())
                .spawn(move || credentials.renewed(source.fetch(), now));
            if let Err(error) = begun {
                state.is_renewing = false;
                tracing::warn!(%error, "no thread to renew the credentials");
            }
        }
        state.keys.clone()
    }

    fn renewed(&self, fetched: Result<Keys, String>, now: Timestamp) {
        let mut state = self.state();
        match fetched {
            Ok(keys) => {
                tracing::info!(expires = ?keys.expires, "credentials renewed");
                state.keys = Arc::new(keys);
            }
            Err(error) => {
                tracing::warn!(error, expires = ?state.keys.expires, "the credentials cannot be renewed");
            }
        }
        state.renew_at = renewal(&state.keys, now);
        state.is_renewing = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// When three quarters of the time that is left are over. Instances are told of new keys five minutes before the old ones expire, so the
/// same keys may come again; then it is three quarters of the rest.
fn renewal(keys: &Keys, now: Timestamp) -> Option<Timestamp> {
    let left = keys.expires?.duration_since(now) * 3 / 4;
    let least = SignedDuration::try_from(RETRY_LEAST).expect("two seconds");
    now.checked_add(left.max(least)).ok()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicI64, Ordering},
        time::Instant,
    };

    use super::*;

    /// Gives keys that are named by their number and last a hundred seconds each; no more than two.
    struct Two(AtomicI64);

    impl KeySource for Two {
        fn fetch(&self) -> Result<Keys, String> {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            if number == 2 {
                return Err("no more of them".to_owned());
            }
            let expires = Timestamp::from_second((number + 1) * 100).expect("in range");
            Ok(Keys {
                expires: Some(expires),
                ..Keys::lasting(&format!("key {number}"), "secret")
            })
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn wait(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "in vain: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn keys_are_renewed_before_they_expire_and_kept_if_that_fails() {
        let source = Arc::new(Two(AtomicI64::new(0)));
        let first = source.fetch().expect("the first");
        let credentials = Credentials::of(first, source.clone(), at(0));
        assert_eq!(credentials.current(at(74)).access_key, "key 0");
        // Whoever signs gets the old ones until the new ones are there.
        assert_eq!(credentials.current(at(75)).access_key, "key 0");
        wait("new keys", || {
            credentials.current(at(76)).access_key == "key 1"
        });
        assert_eq!(
            source.0.load(Ordering::SeqCst),
            2,
            "asked once, not by everybody"
        );
        let due = at(170);
        assert_eq!(credentials.current(due).access_key, "key 1");
        wait("a refusal", || !credentials.state().is_renewing);
        assert_eq!(credentials.current(due).access_key, "key 1");
        assert_eq!(source.0.load(Ordering::SeqCst), 3, "not again at once");
    }

    #[test]
    fn lasting_keys_are_never_renewed() {
        let credentials = Credentials::fixed("a", "b");
        assert_eq!(credentials.current(Timestamp::MAX).access_key, "a");
        assert_eq!(renewal(&Keys::lasting("a", "b"), Timestamp::MAX), None);
    }

    #[test]
    fn secrets_do_not_show_and_headers_stay_whole() {
        let keys = Keys {
            session_token: Some("to ken".to_owned()),
            ..Keys::lasting("AKID", "hidden")
        };
        assert!(!format!("{keys:?}").contains("hidden") && !format!("{keys:?}").contains("ken"));
        let refused = keys.checked().expect_err("a space");
        assert!(refused.contains("session token"), "{refused}");
        assert!(Keys::lasting("", "x").checked().is_err());
        assert!(Keys::lasting("a", "x\n").checked().is_err());
        assert!(Keys::lasting("a", "x").checked().is_ok());
    }
}
