//! Rules of this repository that neither the compiler nor clippy can check, each a pure function from the tree to findings.
//!
//! A rule is one file here: it says what it wants, finds what breaks it, and has a test with a tree that trips it. [`tree`] is what a rule
//! is given, [`source`] tells code from comments and tests from the rest. No rule reads a disk or starts a program.

mod source;
mod tree;

mod arrows;
mod check_pages;
mod dependencies;
mod determinism;
mod file_length;
mod file_size;
mod habits;
mod links;
mod machine_paths;
mod module_docs;
mod words;

use std::fmt;

use anyhow::bail;

use tree::Tree;

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The file, relative to the root.
    path: String,
    /// The line, from 1; 0 when the finding is about the whole file.
    line: usize,
    /// What is wrong, and what to do.
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.message),
            line => write!(formatter, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// A rule and its name.
struct Rule {
    name: &'static str,
    find: fn(&Tree) -> Vec<Finding>,
}

/// Every rule, in the order in which it is told.
const RULES: &[Rule] = &[
    Rule {
        name: "arrows",
        find: arrows::find,
    },
    Rule {
        name: "dependencies",
        find: dependencies::find,
    },
    Rule {
        name: "determinism",
        find: determinism::find,
    },
    Rule {
        name: "module-docs",
        find: module_docs::find,
    },
    Rule {
        name: "file-length",
        find: file_length::find,
    },
    Rule {
        name: "file-size",
        find: file_size::find,
    },
    Rule {
        name: "habits",
        find: habits::find,
    },
    Rule {
        name: "words",
        find: words::find,
    },
    Rule {
        name: "links",
        find: links::find,
    },
    Rule {
        name: "check-pages",
        find: check_pages::find,
    },
    Rule {
        name: "machine-paths",
        find: machine_paths::find,
    },
];

/// Reads the tree, applies every rule, prints each finding.
///
/// # Errors
/// When a rule is broken, or the tree cannot be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = tree::read()?;
    let mut count = 0;
    for rule in RULES {
        for finding in (rule.find)(&tree) {
            eprintln!("tidy [{}] {finding}", rule.name);
            count += 1;
        }
    }
    println!("tidy: {}", file_length::summary(&tree));
    if count > 0 {
        bail!("{count} findings; to repeat: cargo xtask tidy");
    }
    println!("tidy: {} rules hold", RULES.len());
    Ok(())
}
