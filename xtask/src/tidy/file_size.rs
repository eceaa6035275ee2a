//! No committed file is larger than a megabyte: a clone stays quick, and a run folder does not slip in.

use super::Finding;
use super::tree::Tree;

/// The largest that a file may be.
const STOP_BYTES: u64 = 1_000_000;

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter(|file| file.size_bytes > STOP_BYTES)
        .map(|file| Finding {
            path: file.path.clone(),
            line: 0,
            message: format!("{} bytes, {STOP_BYTES} is the stop", file.size_bytes),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{STOP_BYTES, find};
    use crate::tidy::tree::of;

    #[test]
    fn a_large_file_is_found() {
        let mut tree = of(&[("small.png", ""), ("large.png", "")]);
        tree.files[0].size_bytes = STOP_BYTES;
        tree.files[1].size_bytes = STOP_BYTES + 1;
        let found = find(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "large.png");
    }
}
