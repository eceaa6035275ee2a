//! The deterministic parts refuse clocks, threads and hash maps in their first lines, so that clippy refuses them everywhere below.

use super::Finding;
use super::tree::Tree;

/// The attribute that must stand there.
const REFUSAL: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";

/// The roots of the deterministic parts.
const ROOTS: &[&str] = &[
    "checker/src/lib.rs",
    "replica/src/core/mod.rs",
    "workloads/src/lib.rs",
];

/// Roots that need the attribute once their folder exists.
const ROOTS_IF_ANY: &[(&str, &str)] = &[("harness/src/sim", "harness/src/sim/mod.rs")];

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let later = ROOTS_IF_ANY
        .iter()
        .filter(|(folder, _)| tree.contains(folder));
    let roots = ROOTS.iter().chain(later.map(|(_, root)| root));
    roots
        .filter(|root| !tree.text(root).is_some_and(|text| text.contains(REFUSAL)))
        .map(|root| Finding {
            path: (*root).to_owned(),
            line: 0,
            message: format!("this part is deterministic; start it with `{REFUSAL}`"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{REFUSAL, find};
    use crate::tidy::tree::of;

    #[test]
    fn a_root_without_the_refusal_is_found() {
        let tree = of(&[
            ("checker/src/lib.rs", REFUSAL),
            ("replica/src/core/mod.rs", "//! No refusal."),
            ("harness/src/sim/mod.rs", ""),
        ]);
        let found: Vec<String> = find(&tree).into_iter().map(|one| one.path).collect();
        let expected = [
            "replica/src/core/mod.rs",
            "workloads/src/lib.rs",
            "harness/src/sim/mod.rs",
        ];
        assert_eq!(found, expected);
    }
}
