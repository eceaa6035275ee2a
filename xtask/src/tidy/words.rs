//! One word for one thing: the glossary's word is used, and these other words for it are not.

use super::Finding;
use super::tree::Tree;

/// A word that is not used here, and the glossary's word for it.
const SYNONYMS: &[(&str, &str)] = &[
    ("blacklist", "deny list"),
    ("chaos monkey", "nemesis"),
    ("data center", "region"),
    ("data centre", "region"),
    ("datacenter", "region"),
    ("fault injector", "nemesis"),
    ("op log", "history"),
    (
        "oplog",
        "history (what a client saw) or feed (what a region replicates)",
    ),
    ("replication delay", "replication lag"),
    ("replication latency", "replication lag"),
    ("slave", "replica"),
    ("undetermined", "indefinite"),
    ("whitelist", "allow list"),
];

/// The files that must name the words: this one.
const EXEMPT: &[&str] = &["xtask/src/tidy/words.rs"];

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    tree.texts(".rs")
        .chain(tree.texts(".md"))
        .filter(|(path, _)| !EXEMPT.contains(path))
        .flat_map(|(path, text)| find_in(path, text))
        .collect()
}

fn find_in(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (synonym, word) in SYNONYMS
            .iter()
            .filter(|(synonym, _)| has_word(&line, synonym))
        {
            findings.push(Finding {
                path: path.to_owned(),
                line: index + 1,
                message: format!("`{synonym}` is not our word; the glossary says: {word}"),
            });
        }
    }
    findings
}

/// Whether the line holds these words as whole words.
fn has_word(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + words.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::tidy::tree::of;

    #[test]
    fn a_synonym_is_found_as_a_whole_word() {
        let tree = of(&[
            ("a.md", "A region.\nA Datacenter, here.\n"),
            ("b.rs", "//! Enslaved, not undeterminedly.\n"),
        ]);
        let found = find(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].path.as_str(), found[0].line), ("a.md", 2));
        assert!(found[0].message.ends_with("region"));
    }
}
