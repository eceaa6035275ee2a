//! Tags of a table that is made where others have tables: ours, and whatever else whoever pays wants.
//!
//! Source: AWS General Reference, "Tagging AWS resources": lengths, letters, and the prefix that is AWS's own.

/// What names and values may have beside letters and digits.
const MARKS: &str = " +-=._:/@";

/// Reads `team=storage`.
pub(super) fn parse(given: &str) -> Result<(String, String), String> {
    let is_letter = |letter: char| letter.is_alphanumeric() || MARKS.contains(letter);
    let (name, value) = given
        .split_once('=')
        .ok_or("write NAME=VALUE, such as team=storage")?;
    let lengths = (name.chars().count(), value.chars().count());
    if !(1..=128).contains(&lengths.0) || lengths.1 > 256 {
        return Err("a name has 1 to 128 letters, a value 256 at most".to_owned());
    }
    if !given.chars().all(is_letter) {
        return Err(format!("it may have letters, digits and any of `{MARKS}`"));
    }
    if name.to_lowercase().starts_with("aws:") {
        return Err("names that begin with aws: are AWS's own".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Ours: who made the table, and the run that it belongs to.
pub(super) fn own(workload: &str, seed: u64) -> Vec<(String, String)> {
    let tag = |name: &str, value: String| (name.to_owned(), value);
    vec![
        tag(
            "created-by",
            format!("dateline {}", env!("CARGO_PKG_VERSION")),
        ),
        tag("dateline-workload", workload.to_owned()),
        tag("dateline-seed", seed.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_what_aws_would_refuse_is_refused() {
        let read = parse("team=storage=cold").expect("well formed");
        assert_eq!(read, ("team".to_owned(), "storage=cold".to_owned()));
        assert!(parse("team=").is_ok());
        let long = format!("{}=x", "n".repeat(129));
        for (bad, part) in [
            ("team", "NAME=VALUE"),
            ("=x", "1 to 128"),
            (long.as_str(), "1 to 128"),
            ("team=a;b", "letters, digits"),
            ("AWS:x=y", "AWS's own"),
        ] {
            let wrong = parse(bad).expect_err(bad);
            assert!(wrong.contains(part), "{bad}: {wrong}");
        }
        for (name, value) in own("big-items", u64::MAX) {
            assert!(parse(&format!("{name}={value}")).is_ok(), "{name}={value}");
        }
    }
}
