//! Every dependency has its line in `docs/dependencies.md`, every line there its dependency, and the workspace offers none that nobody takes.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// The page that accounts for dependencies.
const PAGE: &str = "docs/dependencies.md";

/// Where versions are chosen, once for all crates.
const MANIFEST: &str = "Cargo.toml";

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let page = tree.text(PAGE).unwrap_or_default();
    let told: BTreeSet<&str> = page.lines().filter_map(subject).collect();
    let used: BTreeSet<&str> = tree
        .packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.path.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect();
    let finding = |message| Finding {
        path: PAGE.to_owned(),
        line: 0,
        message,
    };
    let untold = used.difference(&told).map(|name| {
        finding(format!(
            "`{name}` has no line; add `| `{name}` | what | why | what it pulls in |`"
        ))
    });
    let unused = told
        .difference(&used)
        .map(|name| finding(format!("no crate uses `{name}` any more; remove its line")));
    let offered = tree.text(MANIFEST).map(offered).unwrap_or_default();
    let idle = offered
        .into_iter()
        .filter(|name| !used.contains(name))
        .map(|name| Finding {
            path: MANIFEST.to_owned(),
            line: 0,
            message: format!("no crate takes `{name}` from the workspace; remove it"),
        });
    untold.chain(unused).chain(idle).collect()
}

/// The crates of others under `[workspace.dependencies]`.
fn offered(manifest: &str) -> Vec<&str> {
    manifest
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.contains("path = "))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect()
}

/// The crate that a line of a table is about: "| `serde` | …".
fn subject(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("| `")?.split_once("` |")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::{MANIFEST, PAGE, find};
    use crate::tidy::tree::{of, package};

    #[test]
    fn untold_and_unused_dependencies_are_found() {
        let manifest = "[workspace.dependencies]\nchecker = { path = \"checker\" }\nserde = \"1\"\nplotters = \"0.3\"\n[lints]\na = \"b\"\n";
        let page = "| crate | what |\n|---|---|\n| `serde` | x |\n| `rand` | y |\n";
        let mut tree = of(&[(PAGE, page), (MANIFEST, manifest)]);
        tree.packages = vec![package("harness", &["serde", "tokio", "ours:checker"])];
        let found: Vec<String> = find(&tree).into_iter().map(|one| one.message).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("`tokio` has no line"));
        assert_eq!(found[1], "no crate uses `rand` any more; remove its line");
        assert_eq!(
            found[2],
            "no crate takes `plotters` from the workspace; remove it"
        );
    }
}
