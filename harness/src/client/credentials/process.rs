//! A program that hands out keys: what a profile's `credential_process` names.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Process credential provider". The line goes to a shell, as in AWS's own tools; what it prints is
//! JSON with `Version` 1.

use std::{process::Stdio, time::Duration};

use serde::Deserialize;
use tokio::process::Command;

use super::{Keys, metadata::runtime};

/// A program may open a browser and wait for somebody.
const LIMIT: Duration = Duration::from_secs(60);

/// How much of what a program complains about is shown.
const COMPLAINT_CHARACTERS: usize = 300;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    version: u64,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Runs it and reads its answer.
pub(super) fn ask(line: &str) -> Result<Keys, String> {
    runtime()?.block_on(async {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(LIMIT, command.output()).await;
        let ended = ended.map_err(|_elapsed| format!("no end within {} s", LIMIT.as_secs()))?;
        let ended = ended.map_err(|error| format!("it cannot be started: {error}"))?;
        if !ended.status.success() {
            let complaint = String::from_utf8_lossy(&ended.stderr);
            let complaint: String = complaint
                .trim()
                .chars()
                .take(COMPLAINT_CHARACTERS)
                .collect();
            return Err(format!("it ended with {}: {complaint}", ended.status));
        }
        read(&ended.stdout)
    })
}

fn read(answer: &[u8]) -> Result<Keys, String> {
    // What it printed holds secrets, so the error says where, not what.
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| {
        format!(
            "it did not print the JSON that is expected of it: {:?} at line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    })?;
    if answer.version != 1 {
        return Err(format!(
            "it printed version {}; only 1 is known",
            answer.version
        ));
    }
    let expires = answer.expiration.map(|text| {
        let time = text.parse();
        time.map_err(|_| format!("its Expiration {text} is no time such as 2030-01-31T12:00:00Z"))
    });
    Ok(Keys {
        access_key: answer.access_key_id,
        secret_key: answer.secret_access_key,
        session_token: answer.session_token.filter(|token| !token.is_empty()),
        expires: expires.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_what_is_none_is_refused() {
        let whole = br#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c","Expiration":"2030-01-31T12:00:00+00:00"}"#;
        let keys = read(whole).expect("well formed");
        assert_eq!(keys.session_token.as_deref(), Some("c"));
        assert_eq!(
            keys.expires.map(|time| time.to_string()).as_deref(),
            Some("2030-01-31T12:00:00Z")
        );
        for (answer, part) in [
            (
                r#"{"Version":2,"AccessKeyId":"a","SecretAccessKey":"b"}"#,
                "version 2",
            ),
            (
                r#"{"Version":1,"AccessKeyId":"hush"}"#,
                "the JSON that is expected",
            ),
            ("good morning", "line 1, column 1"),
            (
                r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"}"#,
                "Expiration soon",
            ),
        ] {
            let refused = read(answer.as_bytes()).expect_err(answer);
            assert!(
                refused.contains(part) && !refused.contains("hush"),
                "{refused}"
            );
        }
    }
}
