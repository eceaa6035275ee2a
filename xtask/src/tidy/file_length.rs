//! A file holds one idea: 500 lines without its tests is the stop, and the median is told with every run.

use super::tree::Tree;
use super::{Finding, source};

/// The longest that a file may be, tests not counted.
const STOP_LINES: usize = 500;

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    lengths(tree)
        .into_iter()
        .filter(|(length, _)| *length > STOP_LINES)
        .map(|(length, path)| Finding {
            path: path.to_owned(),
            line: 0,
            message: format!(
                "{length} lines without tests, {STOP_LINES} is the stop; split it by idea"
            ),
        })
        .collect()
}

/// One line: how many files, their median, the longest.
pub(super) fn summary(tree: &Tree) -> String {
    let lengths = lengths(tree);
    let Some((longest, path)) = lengths.last() else {
        return "no Rust files".to_owned();
    };
    format!(
        "{} Rust files, median {} lines without tests, longest {longest} ({path})",
        lengths.len(),
        lengths[lengths.len() / 2].0
    )
}

/// Lines outside tests, and the file, in ascending order. Files that hold nothing but tests are not counted.
fn lengths(tree: &Tree) -> Vec<(usize, &str)> {
    let mut lengths: Vec<(usize, &str)> = tree
        .texts(".rs")
        .filter(|(path, _)| !source::is_test_file(path))
        .map(|(path, text)| {
            let is_test = source::test_lines(path, text);
            (is_test.iter().filter(|is_test| !**is_test).count(), path)
        })
        .collect();
    lengths.sort_unstable();
    lengths
}

#[cfg(test)]
mod tests {
    use super::{STOP_LINES, find, summary};
    use crate::tidy::tree::of;

    #[test]
    fn only_a_long_file_is_found_and_tests_are_free() {
        let code = "x\n".repeat(STOP_LINES);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
        let tree = of(&[
            ("full.rs", &format!("{code}{tests}")),
            ("long.rs", &format!("{code}x\n")),
            ("a/tests/it/main.rs", &code.repeat(2)),
        ]);
        let found = find(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "long.rs");
        assert_eq!(
            summary(&tree),
            "2 Rust files, median 501 lines without tests, longest 501 (long.rs)"
        );
    }
}
