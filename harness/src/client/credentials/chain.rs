//! One place after the other, in the order of every AWS tool; the first that has keys decides.

use super::{Environment, KeySource, Keys, metadata, profile};

/// What to do about everything that is not looked for.
const OTHERS: &str = "for single sign-on, roles and web identities let the aws CLI hand them out, by a profile with \
     credential_process = aws configure export-credentials --profile NAME --format process";

/// Why there are no keys.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CredentialsError {
    /// A place that was set up to have them does not.
    #[error("credentials: {place}: {wrong}")]
    Refused { place: String, wrong: String },
    /// The environment has one key without the other.
    #[error("credentials: {given} is set, but {missing} is not set; set both, or neither")]
    Half {
        given: &'static str,
        missing: &'static str,
    },
    /// Nobody has any.
    #[error("no credentials were found; looked in {}; {OTHERS}", looked.join("; "))]
    Missing { looked: Vec<String> },
}

/// What a place says.
pub(super) enum Found {
    /// Keys.
    Keys(Keys),
    /// Nothing is set up there: its name, and what was missing.
    Nothing(String),
}

/// Where is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// Everywhere.
    All,
    /// Only where somebody who wants keys to be used has named them: the environment, and the profile of `AWS_PROFILE`.
    Named,
}

/// The places, as one source.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    environment: Environment,
    places: Places,
}

impl Chain {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            environment,
            places: Places::All,
        }
    }

    /// For endpoints that may take any keys: asks neither the network nor a profile that nobody named.
    pub(crate) fn named_only(self) -> Self {
        Self {
            places: Places::Named,
            ..self
        }
    }

    /// Keys of the first place that has some. Blocks; not to be called on a runtime.
    ///
    /// # Errors
    /// What went wrong where, or where was looked.
    pub(crate) fn look(&self) -> Result<Keys, CredentialsError> {
        let mut looked = Vec::new();
        let environment = &self.environment;
        let is_named = environment.get("AWS_PROFILE").is_some();
        type Place = fn(&Environment) -> Result<Found, CredentialsError>;
        let places: [(bool, Place); 4] = [
            (true, variables),
            (self.places == Places::All || is_named, profile::look),
            (self.places == Places::All, metadata::container),
            (self.places == Places::All, metadata::instance),
        ];
        for (_, look) in places.into_iter().filter(|(is_asked, _)| *is_asked) {
            match look(environment)? {
                Found::Keys(keys) => return Ok(keys),
                Found::Nothing(why) => looked.push(why),
            }
        }
        Err(CredentialsError::Missing { looked })
    }
}

impl KeySource for Chain {
    fn fetch(&self) -> Result<Keys, String> {
        self.look().map_err(|error| error.to_string())
    }
}

fn variables(environment: &Environment) -> Result<Found, CredentialsError> {
    const ACCESS: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    let half = |given, missing| CredentialsError::Half { given, missing };
    match (environment.get(ACCESS), environment.get(SECRET)) {
        (Some(access_key), Some(secret_key)) => checked(
            "the environment",
            Keys {
                session_token: environment.get("AWS_SESSION_TOKEN").map(str::to_owned),
                ..Keys::lasting(access_key, secret_key)
            },
        ),
        (Some(_), None) => Err(half(ACCESS, SECRET)),
        (None, Some(_)) => Err(half(SECRET, ACCESS)),
        (None, None) => Ok(Found::Nothing(format!(
            "the environment ({ACCESS} is not set)"
        ))),
    }
}

/// Keys of a place, if they can be sent.
pub(super) fn checked(place: &str, keys: Keys) -> Result<Found, CredentialsError> {
    let checked = keys.checked().map_err(|wrong| refused(place, wrong))?;
    Ok(Found::Keys(checked))
}

pub(super) fn refused(place: impl ToString, wrong: impl ToString) -> CredentialsError {
    CredentialsError::Refused {
        place: place.to_string(),
        wrong: wrong.to_string(),
    }
}

/// The same for what a profile asks for and we do not do.
pub(super) fn left_to_others(place: impl ToString, what: &str) -> CredentialsError {
    refused(
        place,
        format!("it has {what}, which is not done here; {OTHERS}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)]) -> Result<Keys, String> {
        // Nothing of whoever runs the tests, and nobody on the network.
        let nowhere = [
            ("HOME", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let all = [&nowhere, variables].concat();
        let chain = Chain::new(Environment::of(&all));
        chain.look().map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_comes_first_with_its_token() {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_PROFILE", "nobody"),
        ];
        assert_eq!(look(&keys), Ok(Keys::lasting("a", "b")));
        let temporary = [&keys[..], &[("AWS_SESSION_TOKEN", "c")]].concat();
        let found = look(&temporary).expect("all three");
        assert_eq!(found.session_token.as_deref(), Some("c"));
        let half = look(&keys[1..2]).expect_err("no access key");
        assert!(
            half.contains("AWS_ACCESS_KEY_ID is not set; set both"),
            "{half}"
        );
        let broken = look(&[("AWS_ACCESS_KEY_ID", "a b"), ("AWS_SECRET_ACCESS_KEY", "b")]);
        let broken = broken.expect_err("a space");
        assert!(
            broken.contains("the environment: its access key"),
            "{broken}"
        );
    }

    #[test]
    fn who_has_none_is_told_every_place_and_the_way_for_the_rest() {
        let missing = look(&[("AWS_ACCESS_KEY_ID", "")]).expect_err("nothing anywhere");
        for part in [
            "AWS_ACCESS_KEY_ID is not set",
            "profile default (/nonexistent/.aws/credentials",
            "/nonexistent/.aws/config",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_EC2_METADATA_DISABLED",
            "aws configure export-credentials",
        ] {
            assert!(missing.contains(part), "no {part:?} in {missing}");
        }
    }

    #[test]
    fn where_any_keys_will_do_nobody_is_asked_who_was_not_named() {
        let environment = Environment::of(&[("HOME", "/nonexistent")]);
        let missing = Chain::new(environment).named_only().look();
        assert_eq!(
            missing,
            Err(CredentialsError::Missing {
                looked: vec!["the environment (AWS_ACCESS_KEY_ID is not set)".to_owned()]
            })
        );
        let named = Environment::of(&[("HOME", "/nonexistent"), ("AWS_PROFILE", "x")]);
        let refused = Chain::new(named)
            .named_only()
            .look()
            .expect_err("no such profile");
        assert!(refused.to_string().contains("profile x"), "{refused}");
    }
}
