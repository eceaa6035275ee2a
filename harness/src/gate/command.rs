//! A command line as a person writes it: words, quotation marks, placeholders. No shell is asked; `sh -c '…'` is there for who wants one.

use std::{
    env,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Why a command line cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("it is empty; give a program and its arguments")]
    Empty,
    #[error("a quotation mark {0} is not closed")]
    Open(char),
    #[error("there is no program {0:?} that can be run; give its path, or one that is in PATH")]
    NoProgram(String),
}

/// A program and its arguments, placeholders not yet filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    words: Vec<String>,
}

/// What the placeholders stand for in one run.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    /// `{self}`: this binary.
    pub(super) own: &'a Path,
    /// `{folder}`: a folder for this run alone.
    pub(super) folder: &'a Path,
    /// `{port}`: a port that nobody listens on.
    pub(super) port: u16,
}

impl CommandLine {
    /// The words of `text`, then `more`.
    pub(super) fn parse(text: &str, more: &[String]) -> Result<Self, CommandError> {
        let mut words = split(text)?;
        let program = words.first().ok_or(CommandError::Empty)?;
        if program != "{self}" && !can_be_run(program) {
            return Err(CommandError::NoProgram(program.clone()));
        }
        words.extend_from_slice(more);
        Ok(Self { words })
    }

    /// The words of one run.
    pub(super) fn filled(&self, places: &Places<'_>) -> Vec<String> {
        let filled = self.words.iter().map(|word| {
            word.replace("{self}", &places.own.to_string_lossy())
                .replace("{folder}", &places.folder.to_string_lossy())
                .replace("{port}", &places.port.to_string())
        });
        filled.collect()
    }
}

/// Parts a line at spaces outside of quotation marks.
fn split(text: &str) -> Result<Vec<String>, CommandError> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(next) if next == letter => break,
                        Some(next) => word.push(next),
                        None => return Err(CommandError::Open(letter)),
                    }
                }
            }
            space if space.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

fn can_be_run(program: &str) -> bool {
    let is_program = |path: PathBuf| {
        path.metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_program(PathBuf::from(program));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_program(folder.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_and_quotation_marks_keep_them_together() {
        let words = split(r#"sh -c 'echo "a  b"' --name="x y" '' end"#).expect("well formed");
        assert_eq!(
            words,
            ["sh", "-c", r#"echo "a  b""#, "--name=x y", "", "end"]
        );
        assert_eq!(split("  "), Ok(Vec::new()));
        assert_eq!(split("a 'b"), Err(CommandError::Open('\'')));
    }

    #[test]
    fn a_program_has_to_be_there() {
        let told = |text| CommandLine::parse(text, &[]).map_err(|error| error.to_string());
        assert!(told("sh -c true").is_ok());
        assert!(told("{self} list checks").is_ok());
        assert_eq!(told(""), Err(CommandError::Empty.to_string()));
        for missing in ["no-such-program-anywhere x", "./no/such", "/etc/passwd"] {
            assert!(told(missing).is_err_and(|error| error.contains("no program")));
        }
    }

    #[test]
    fn placeholders_are_filled_in() {
        let line = CommandLine::parse("{self} up --port={port}", &["{folder}/x".to_owned()]);
        let places = Places {
            own: Path::new("/bin/own"),
            folder: Path::new("/tmp/7"),
            port: 8001,
        };
        assert_eq!(
            line.expect("it can be run").filled(&places),
            ["/bin/own", "up", "--port=8001", "/tmp/7/x"]
        );
    }
}
