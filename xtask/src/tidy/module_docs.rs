//! Every Rust file begins by saying what it is, but for `tests.rs` beside the module that it tests.

use super::Finding;
use super::tree::Tree;

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let silent = |text: &str| !text.trim_start().starts_with("//! ");
    tree.texts(".rs")
        .filter(|(path, text)| silent(text) && !path.ends_with("/tests.rs"))
        .map(|(path, _)| Finding {
            path: path.to_owned(),
            line: 1,
            message: "begin the file with `//! ` and what it is, why, and what is absent"
                .to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::tidy::tree::of;

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        let tree = of(&[
            ("a.rs", "//! Says.\n"),
            ("b.rs", "use std::fmt;\n"),
            ("a/tests.rs", "use std::fmt;\n"),
            ("c.md", "x"),
        ]);
        let found = find(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "b.rs");
    }
}
