//! The pages of the checks say what their code says: made from its module documentation, the registry, and the stored histories.
//!
//! `BLESS=1 cargo test -p checker` writes them again after a deliberate change.

use std::fmt::Write as _;
use std::path::PathBuf;

use checker::CheckInfo;

/// A file of this repository, by its path from the root.
fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(file(path)).ok()
}

/// The documentation of the module in which a check lives.
fn documentation(check: &str) -> String {
    let module = check.replace('-', "_");
    let source = text(&format!("checker/src/check/{module}.rs"))
        .or_else(|| text(&format!("checker/src/check/{module}/mod.rs")))
        .expect("every check has a file of its name");
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

/// What a check says about its invalid history, without the lines above the violation.
fn drawn(check: &str) -> String {
    let path = format!("checker/histories/{check}-invalid.txt");
    let said = text(&path).expect("every check has an invalid history");
    let start = said.find(&format!("\n\n{check}: ")).unwrap_or(0);
    let end = said.find("\nmeasured").unwrap_or(said.len());
    said[start..end.max(start)].trim().to_owned()
}

fn page(info: &CheckInfo) -> String {
    let id = info.id;
    let mut page = String::new();
    let _ = write!(
        page,
        "# {id}\n\n{}\n\n| | |\n|---|---|\n| Needs | {} |\n| Proves | {} |\n\n## An example, drawn\n\n```text\n{}\n```\n\n\
         The history is `checker/histories/{id}-invalid.jsonl`; `{id}-valid.jsonl` and `{id}-unknown.jsonl` lie beside it. The one-line\n\
         language of the examples is described in `checker/src/history/one_line.rs`.\n",
        documentation(id),
        info.needs,
        info.proves,
        drawn(id),
    );
    page
}

#[test]
fn every_check_has_the_page_that_its_code_makes() {
    for info in checker::registry() {
        let path = format!("docs/checks/{}.md", info.id);
        let made = page(info);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(file(&path), &made).expect("to the source folder");
        }
        let stored = text(&path);
        assert!(
            stored.as_ref() == Some(&made),
            "{path} is not what its check says; BLESS=1 cargo test -p checker writes it again"
        );
    }
}
