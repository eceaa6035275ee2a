//! Links between the project's own pages lead somewhere: to a file that is there, and to a heading in it. Links to the web are not followed.

use super::Finding;
use super::tree::Tree;

pub(super) fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        for (line, target) in links(text) {
            if let Some(message) = complaint(tree, path, target) {
                findings.push(Finding {
                    path: path.to_owned(),
                    line,
                    message,
                });
            }
        }
    }
    findings
}

/// What is wrong with a link on this page, if anything is.
fn complaint(tree: &Tree, page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        page.to_owned()
    } else {
        resolve(page, file)
    };
    if !tree.contains(&path) {
        return Some(format!(
            "the link `{target}` leads to `{path}`, which does not exist"
        ));
    }
    let text = tree.text(&path)?;
    let is_there = heading.is_empty() || headings(text).any(|one| one == heading);
    (!is_there).then(|| format!("`{path}` has no heading `#{heading}`"))
}

/// The line and the target of every inline link outside code blocks.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (index, line) in outside_code(text) {
        let targets = line.split("](").skip(1);
        links.extend(targets.filter_map(|rest| Some((index + 1, rest.split_once(')')?.0))));
    }
    links
}

/// The lines that are not inside a fenced code block, with their index.
fn outside_code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// The headings of a page, as anchors: lower case, hyphens for spaces, no punctuation.
fn headings(text: &str) -> impl Iterator<Item = String> {
    outside_code(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
}

/// The path of `target` as seen from the folder of `page`, without `.` and `..`.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::tidy::tree::of;

    #[test]
    fn dead_links_and_headings_are_found() {
        let page = "# Top\n[a](../README.md) [b](b.md#the-end) [c](https://example.org/x)\n\
                    [d](missing.md) [e](b.md#nowhere) [f](#top)\n```\n[g](in-code.md)\n```\n[h](../docs/)\n";
        let tree = of(&[
            ("README.md", "x"),
            ("docs/a.md", page),
            ("docs/b.md", "## The end!\n"),
        ]);
        let found: Vec<String> = find(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("docs/a.md:3: the link `missing.md` leads to `docs/missing.md`")
        );
        assert_eq!(
            found[1],
            "docs/a.md:3: `docs/b.md` has no heading `#nowhere`"
        );
    }
}
