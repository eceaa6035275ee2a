//! Habits that the house does without: unfinished code, tests that are skipped or that expect a crash of any kind, tests that sleep.

use super::tree::Tree;
use super::{Finding, source};

/// What may stand nowhere, and why.
const NOWHERE: &[(&str, &str)] = &[
    ("todo!(", "finish it, or open an issue"),
    ("unimplemented!(", "finish it, or open an issue"),
    ("dbg!(", "remove it"),
    (
        "#[ignore",
        "make the test fast, or a job of `cargo xtask nightly`",
    ),
    (
        "#[should_panic",
        "call the code and look at the error it returns",
    ),
];

/// What may not stand in a test.
const NOT_IN_TESTS: &[&str] = &["thread::sleep(", "time::sleep("];

/// A test may pause between two looks at a condition: only in a function whose name begins like this.
const WAITING: &str = "wait_";

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    tree.texts(".rs")
        .flat_map(|(path, text)| find_in(path, text))
        .collect()
}

fn find_in(path: &str, text: &str) -> Vec<Finding> {
    let is_test = source::test_lines(path, text);
    let code = source::code_only(text);
    let mut function = "";
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        function = function_name(line).unwrap_or(function);
        let mut complain = |message| {
            findings.push(Finding {
                path: path.to_owned(),
                line: index + 1,
                message,
            });
        };
        for (habit, remedy) in NOWHERE.iter().filter(|(habit, _)| line.contains(habit)) {
            complain(format!("`{habit}`: {remedy}"));
        }
        let sleeps = NOT_IN_TESTS.iter().any(|habit| line.contains(habit));
        if is_test[index] && sleeps && !function.starts_with(WAITING) {
            complain(format!(
                "a test does not sleep: wait for a condition with a limit, in a function named `{WAITING}…`"
            ));
        }
    }
    findings
}

/// The name of the function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_item = before
        .chars()
        .all(|c| c.is_alphanumeric() || " _()".contains(c));
    let end = after.find(['(', '<'])?;
    is_item.then(|| &after[..end])
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::tidy::tree::of;

    #[test]
    fn each_habit_is_found_in_code_and_nowhere_else() {
        let tree = of(&[
            (
                "a.rs",
                "fn a() { todo!() }\n// todo!()\nfn b() { dbg!(\"dbg!()\") }\n",
            ),
            (
                "b/tests/it/b.rs",
                "#[ignore]\n#[should_panic]\nfn c() { unimplemented!() }\n",
            ),
        ]);
        let lines: Vec<(String, usize)> = find(&tree)
            .into_iter()
            .map(|one| (one.path, one.line))
            .collect();
        let b = "b/tests/it/b.rs";
        let expected = [("a.rs", 1), ("a.rs", 3), (b, 1), (b, 2), (b, 3)];
        assert_eq!(lines, expected.map(|(path, line)| (path.to_owned(), line)));
    }

    #[test]
    fn a_test_sleeps_only_while_it_waits_for_a_condition() {
        let sleep = "    std::thread::sleep(PAUSE);\n}\n";
        let test = format!("fn wait_until() {{\n{sleep}async fn works() {{\n{sleep}");
        let tree = of(&[
            ("a/tests/it/main.rs", &test),
            ("b.rs", &format!("fn run() {{\n{sleep}")),
        ]);
        let found = find(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, 5);
    }
}
