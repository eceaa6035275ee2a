//! Every check has a page that explains it, and stored histories that must pass, must fail and cannot be told.
//!
//! The checks are read from the source of the registry: a crate that judges the tree should not need to build it.

use super::Finding;
use super::tree::Tree;

/// Where checks are registered.
const REGISTRY: &str = "checker/src/check/mod.rs";

/// Where their pages and histories are.
const PAGES: &str = "docs/checks/";
const HISTORIES: &str = "checker/histories/";

/// The page that is about all checks.
const OVERVIEW: &str = "README";

/// What a judge must have been seen to say.
const OUTCOMES: [&str; 3] = ["valid", "invalid", "unknown"];

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let registry = tree.text(REGISTRY).unwrap_or_default();
    let checks: Vec<&str> = registry.lines().filter_map(registered).collect();
    let mut findings = Vec::new();
    let mut complain = |path: String, message| {
        findings.push(Finding {
            path,
            line: 0,
            message,
        });
    };
    if checks.is_empty() {
        complain(
            REGISTRY.to_owned(),
            "no line `id: \"…\",` is in the registry of checks".to_owned(),
        );
    }
    for check in &checks {
        let page = format!("{PAGES}{check}.md");
        if !tree.contains(&page) {
            complain(page, format!("check `{check}` has no page"));
        }
        for outcome in OUTCOMES {
            if !tree
                .files
                .iter()
                .any(|file| shows(&file.path, check, outcome))
            {
                let message = format!("check `{check}` has no stored history that is {outcome}");
                complain(HISTORIES.to_owned(), message);
            }
        }
    }
    for (path, _) in tree.texts(".md") {
        let page = path
            .strip_prefix(PAGES)
            .and_then(|name| name.strip_suffix(".md"));
        if let Some(page) = page.filter(|page| *page != OVERVIEW && !checks.contains(page)) {
            complain(
                path.to_owned(),
                format!("there is no check `{page}`; remove the page"),
            );
        }
    }
    findings
}

/// The check that this line registers.
fn registered(line: &str) -> Option<&str> {
    line.trim().strip_prefix("id: \"")?.strip_suffix("\",")
}

/// Whether this is a stored history of that check and outcome: `CHECK/OUTCOME.jsonl`, or both in one name.
fn shows(path: &str, check: &str, outcome: &str) -> bool {
    path.strip_prefix(HISTORIES).is_some_and(|name| {
        let rest = name.replacen(check, "", 1);
        let mut words = rest.split(|c: char| !c.is_ascii_alphabetic());
        rest != name && words.any(|word| word == outcome)
    })
}

#[cfg(test)]
mod tests {
    use super::{REGISTRY, find};
    use crate::tidy::tree::of;

    #[test]
    fn a_check_without_a_page_or_an_outcome_is_found() {
        let tree = of(&[
            (REGISTRY, "    id: \"phantom\",\n    id: \"lost-write\",\n"),
            ("checker/histories/phantom/invalid.jsonl", ""),
            ("checker/histories/lost-write-invalid.jsonl", ""),
            ("checker/histories/lost-write-valid.jsonl", ""),
            ("checker/histories/lost-write-unknown.jsonl", ""),
            ("docs/checks/README.md", ""),
            ("docs/checks/lost-write.md", ""),
            ("docs/checks/winner.md", ""),
        ]);
        let messages: Vec<String> = find(&tree).into_iter().map(|one| one.message).collect();
        let expected = [
            "check `phantom` has no page",
            "check `phantom` has no stored history that is valid",
            "check `phantom` has no stored history that is unknown",
            "there is no check `winner`; remove the page",
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn a_registry_that_cannot_be_read_is_found() {
        assert_eq!(find(&of(&[(REGISTRY, "nothing")])).len(), 1);
    }
}
