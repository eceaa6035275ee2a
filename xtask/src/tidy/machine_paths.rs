//! No file names a path of the machine on which it was written.

use super::Finding;
use super::tree::Tree;

/// How such paths begin; written in two parts, so that this file does not find itself.
const BEGINNINGS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    tree.texts("")
        .flat_map(|(path, text)| find_in(path, text))
        .collect()
}

fn find_in(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for beginning in BEGINNINGS.iter().filter(|one| begins_path(line, one)) {
            findings.push(Finding {
                path: path.to_owned(),
                line: index + 1,
                message: format!(
                    "`{beginning}…` is a path of one machine; use one that anybody has"
                ),
            });
        }
    }
    findings
}

/// Whether an absolute path begins so on this line: the same words inside a relative path or a URL are no such path.
fn begins_path(line: &str, beginning: &str) -> bool {
    line.match_indices(beginning).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~/}$".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::{BEGINNINGS, find};
    use crate::tidy::tree::of;

    #[test]
    fn an_absolute_path_is_found_and_a_relative_one_is_not() {
        let lines: Vec<String> = BEGINNINGS
            .iter()
            .map(|one| format!("cd {one}x\nsee docs{one}x\n"))
            .collect();
        let found = find(&of(&[("a.toml", &lines.concat())]));
        let lines: Vec<usize> = found.iter().map(|one| one.line).collect();
        assert_eq!(lines, [1, 3, 5, 7]);
    }
}
