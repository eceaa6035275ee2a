//! The files of profiles: `~/.aws/credentials` and `~/.aws/config`, or those that `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". Both have sections of `name = value`; in the second those of
//! profiles are called `[profile NAME]`, the default one aside. Where both have a value, that of the first counts.

use std::{collections::BTreeMap, io, path::Path};

use super::{
    Environment, Keys,
    chain::{CredentialsError, Found, checked, left_to_others, refused},
    process,
};

/// What a profile may ask for instead of keys that is left to `credential_process`.
const LEFT_TO_OTHERS: [&str; 4] = [
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
];

/// The values of one profile.
type Values = BTreeMap<String, String>;

/// Keys of the profile that `AWS_PROFILE` names, or of the default one.
pub(super) fn look(environment: &Environment) -> Result<Found, CredentialsError> {
    let named = environment.get("AWS_PROFILE");
    let name = named.unwrap_or("default");
    let place = format!("profile {name}");
    let credentials = environment.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let config = environment.file("AWS_CONFIG_FILE", ".aws/config");
    let mut values = Values::new();
    let mut missing = Vec::new();
    for (path, sections) in [
        (config, [format!("profile {name}"), default_only(name)]),
        (credentials, [name.to_owned(), String::new()]),
    ] {
        match section(&path, &sections) {
            Ok(Some(found)) => values.extend(found),
            Ok(None) => missing.push(format!("{}: it is not in there", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(format!("{}: no such file", path.display()));
            }
            Err(error) => return Err(refused(path.display(), error)),
        }
    }
    // First the file that comes first.
    missing.reverse();
    let missing = missing.join(", ");
    let Some(found) = keys(&place, &values)? else {
        let without = if values.is_empty() {
            missing
        } else {
            "it has neither keys nor a credential_process".to_owned()
        };
        return match named {
            // Whoever names a profile does not want the keys of another place.
            Some(_) => Err(refused(place, format!("{without}; AWS_PROFILE names it"))),
            None => Ok(Found::Nothing(format!("{place} ({without})"))),
        };
    };
    Ok(found)
}

/// The default profile is also called so without the word in front of it.
fn default_only(name: &str) -> String {
    if name == "default" {
        name.to_owned()
    } else {
        String::new()
    }
}

fn keys(place: &str, values: &Values) -> Result<Option<Found>, CredentialsError> {
    let value = |name: &str| values.get(name).filter(|value| !value.is_empty());
    let command = value("credential_process");
    if let (None, Some(_)) = (command, value("role_arn")) {
        return Err(left_to_others(place, "a role_arn"));
    }
    let half =
        |given: &str, missing: &str| refused(place, format!("it has {given}, but no {missing}"));
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access_key), Some(secret_key)) => {
            let keys = Keys {
                session_token: value("aws_session_token").cloned(),
                ..Keys::lasting(access_key, secret_key)
            };
            return checked(place, keys).map(Some);
        }
        (Some(_), None) => return Err(half("aws_access_key_id", "aws_secret_access_key")),
        (None, Some(_)) => return Err(half("aws_secret_access_key", "aws_access_key_id")),
        (None, None) => {}
    }
    if let Some(command) = command {
        let place = format!("the credential_process of {place}");
        let keys = process::ask(command).map_err(|wrong| refused(&place, wrong))?;
        return checked(&place, keys).map(Some);
    }
    let other = LEFT_TO_OTHERS.iter().find(|name| value(name).is_some());
    match other {
        Some(other) => Err(left_to_others(place, &format!("a {other}"))),
        None => Ok(None),
    }
}

/// The values of the first of these sections that a file has.
fn section(path: &Path, names: &[String]) -> io::Result<Option<Values>> {
    let text = std::fs::read_to_string(path)?;
    let mut sections = read(&text);
    Ok(names.iter().find_map(|name| sections.remove(name)))
}

/// Every section. Lines that begin with a space belong to the setting above them, of which none concerns us.
fn read(text: &str) -> BTreeMap<String, Values> {
    let mut sections = BTreeMap::new();
    let mut values = &mut Values::new();
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || is_nested {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or_default();
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            values = sections.entry(name).or_default();
        } else if let Some((name, value)) = line.split_once('=') {
            values.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\
# kept by hand
[default]
aws_access_key_id = AKID
aws_secret_access_key=se/cr+et==

[half]
aws_access_key_id = AKID
";
    const CONFIG: &str = "\
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
  aws_access_key_id = nested
[profile  temporary]
aws_access_key_id = ASIA
aws_secret_access_key = s
aws_session_token = t
[profile asked]
credential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"s\"}' \"from afar\" | tr -d ' '
[profile fails]
credential_process = echo sign in first >&2; exit 3
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = default
[profile single]
sso_session = s
[profile empty]
region = eu-west-1
";

    fn look_for(profile: Option<&str>) -> Result<Keys, String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let below = folder.path().join(".aws");
        std::fs::create_dir(&below).expect("writable");
        std::fs::write(below.join("credentials"), CREDENTIALS).expect("writable");
        std::fs::write(below.join("own-config"), CONFIG).expect("writable");
        let home = folder.path().to_str().expect("text");
        let mut variables = vec![("HOME", home), ("AWS_CONFIG_FILE", "~/.aws/own-config")];
        variables.extend(profile.map(|name| ("AWS_PROFILE", name)));
        match look(&Environment::of(&variables)) {
            Ok(Found::Keys(keys)) => Ok(keys),
            Ok(Found::Nothing(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn keys_stand_in_either_file() {
        let lasting = Keys::lasting("AKID", "se/cr+et==");
        assert_eq!(look_for(None), Ok(lasting.clone()));
        assert_eq!(look_for(Some("default")), Ok(lasting));
        let temporary = look_for(Some("temporary")).expect("all three");
        assert_eq!(temporary.session_token.as_deref(), Some("t"));
    }

    #[test]
    fn a_program_is_asked_as_a_shell_would() {
        let asked = look_for(Some("asked")).expect("an answer");
        assert_eq!(asked.access_key, "fromafar");
    }

    #[test]
    fn what_is_missing_or_not_done_here_is_said() {
        for (profile, parts) in [
            ("nobody", ["profile nobody", "it is not in there"]),
            ("half", ["profile half", "no aws_secret_access_key"]),
            (
                "fails",
                ["credential_process of profile fails", "sign in first"],
            ),
            ("role", ["a role_arn", "aws configure export-credentials"]),
            (
                "single",
                ["a sso_session", "aws configure export-credentials"],
            ),
            ("empty", ["profile empty", "neither keys nor"]),
        ] {
            let said = look_for(Some(profile)).expect_err(profile);
            for part in parts {
                assert!(said.contains(part), "no {part:?} in {said}");
            }
        }
    }
}
