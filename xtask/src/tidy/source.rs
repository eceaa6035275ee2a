//! Tells code from comments and strings, and tests from the rest, well enough for the rules. It is no parser: it knows where literals and
//! comments end, and that rustfmt puts the closing brace of a module into the first column.

/// The text with comments and the insides of literals blanked out. Lines stay where they are.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment_end(&chars, at);
        match end {
            Some(end) => {
                let skipped = chars[at..end].iter();
                code.extend(skipped.map(|&c| if c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                code.push(chars[at]);
                at += 1;
            }
        }
    }
    code
}

/// Where the comment or literal that begins here ends, if one begins here.
fn literal_or_comment_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Some(position(chars, at, |c| c == '\n')),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if !(at > 0 && is_word(chars[at - 1]) && chars[at - 1] != 'b') => raw_end(chars, at),
        // A quote that closes two characters on is a character; any other is a lifetime.
        '\'' if next == Some('\\') => Some(position(chars, at + 3, |c| c == '\'') + 1),
        '\'' if chars.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
}

/// The first position from `at` whose character satisfies the predicate, or the end.
fn position(chars: &[char], at: usize, predicate: impl Fn(char) -> bool) -> usize {
    let at = at.min(chars.len());
    let found = chars[at..].iter().position(|&c| predicate(c));
    found.map_or(chars.len(), |offset| at + offset)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut here = at;
    while here + 1 < chars.len() {
        match (chars[here], chars[here + 1]) {
            ('/', '*') => (depth, here) = (depth + 1, here + 2),
            ('*', '/') => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            return here;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

/// Where the raw string that begins with the `r` at `at` ends, if it is one.
fn raw_end(chars: &[char], at: usize) -> Option<usize> {
    let quote = position(chars, at + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let hashes = quote - at - 1;
    let closes = |end: usize| {
        chars[end] == '"' && (1..=hashes).all(|offset| chars.get(end + offset) == Some(&'#'))
    };
    let end = (quote + 1..chars.len()).find(|&end| closes(end));
    Some(end.map_or(chars.len(), |end| end + 1 + hashes))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether everything in the file is test code.
pub(super) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// For each line whether it belongs to a test: to a test file, or to a `#[cfg(test)]` module inside another.
pub(super) fn test_lines(path: &str, text: &str) -> Vec<bool> {
    let lines: Vec<&str> = text.lines().collect();
    let mut is_test = vec![is_test_file(path); lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let opens = lines[at] == "#[cfg(test)]"
            && lines[at..]
                .iter()
                .skip(1)
                .find(|line| !line.starts_with("#["))
                .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
        if opens {
            let end = (at..lines.len()).find(|&line| lines[line] == "}");
            let end = end.unwrap_or(lines.len() - 1);
            is_test[at..=end].fill(true);
            at = end;
        }
        at += 1;
    }
    is_test
}

#[cfg(test)]
mod tests {
    use super::{code_only, test_lines};

    #[test]
    fn comments_and_literals_are_blank() {
        let text = "a /* b /* c */ d */ e // f\ng \"h \\\" i\" j r#\"k \" l\"# m 'n' '\\'' o 'p: q";
        let code = code_only(text);
        let words: String = code.split_whitespace().collect();
        assert_eq!(words, "aegjmo'p:q");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn an_inline_test_module_is_test_code() {
        let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        assert_eq!(
            test_lines("a.rs", text),
            [false, false, true, true, true, true, false]
        );
        assert_eq!(test_lines("a/tests/it/main.rs", "fn a() {}\n"), [true]);
        assert_eq!(
            test_lines("a.rs", "#[cfg(test)]\nmod tests;\n"),
            [false, false]
        );
    }
}
