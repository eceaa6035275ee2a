//! `report.html`: whole, self-contained, and it shows what it must.

use reports::{html, run_folder::write_atomically};

use crate::synthetic;

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let (results, examination) = synthetic::finished();
    let page = html::report(&results, &examination.sample);
    // Kept where it can be opened and looked at.
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    write_atomically(&kept, page.as_bytes()).unwrap();
    assert_eq!(unbalanced(&page), None);
    for outside in [
        "http:", "https:", "src=", "<link", "<script", "@import", "url(",
    ] {
        assert!(
            !page.contains(outside),
            "{outside} would need something else than this file"
        );
    }
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

/// The first tag that closes something other than what is open, if any.
fn unbalanced(page: &str) -> Option<String> {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    let start = page.find("<html").expect("a page has an html element");
    for tag in page[start..].split('<').skip(1) {
        let (inside, _text) = tag.split_once('>')?;
        let name = inside.split([' ', '/']).find(|part| !part.is_empty())?;
        if inside.starts_with('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> closes nothing, open: {open:?}"));
            }
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    open.last().map(|name| format!("<{name}> is never closed"))
}
