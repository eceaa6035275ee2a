//! Crates of ours depend on each other only along the arrows of ARCHITECTURE.md.

use super::Finding;
use super::tree::Tree;

/// Each crate, and the crates of ours that it may name. A crate that is missing here may not exist.
const ARROWS: &[(&str, &[&str])] = &[
    ("checker", &[]),
    ("replica", &[]),
    ("workloads", &["checker"]),
    ("reports", &["checker"]),
    ("harness", &["checker", "replica", "workloads", "reports"]),
    ("xtask", &[]),
];

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let mut complain = |message: String| {
            let path = format!("{}/Cargo.toml", package.name);
            findings.push(Finding {
                path,
                line: 0,
                message,
            });
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            complain(format!(
                "crate `{}` has no arrows; add it to ARCHITECTURE.md and to xtask/src/tidy/arrows.rs",
                package.name
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|one| one.path.is_some()) {
            if !allowed.contains(&dependency.name.as_str()) {
                complain(format!(
                    "`{}` may not depend on `{}`; allowed: {allowed:?}",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::tidy::tree::{Tree, package};

    #[test]
    fn an_arrow_against_the_flow_is_found() {
        let packages = vec![
            package("workloads", &["ours:checker", "serde"]),
            package("checker", &["ours:replica"]),
            package("gossip", &[]),
        ];
        let found = find(&Tree {
            packages,
            ..Tree::default()
        });
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(
            messages[0],
            "`checker` may not depend on `replica`; allowed: []"
        );
        assert!(messages[1].starts_with("crate `gossip` has no arrows"));
    }
}
