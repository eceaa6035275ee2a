//! Width, colour and wrapping of text for a terminal.

/// How to write for a terminal. The caller decides by what it is attached to and by `NO_COLOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns; 40 at least is assumed.
    pub width: usize,
    /// Whether escape sequences may be written.
    pub colour: Colour,
}

/// Whether escape sequences may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escape sequences.
    Ansi,
}

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Faint,
    Good,
    Bad,
    Doubtful,
}

impl Style {
    pub(super) fn columns(self) -> usize {
        self.width.clamp(40, 200)
    }

    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Faint => "2",
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "1;33",
        };
        match self.colour {
            Colour::Never => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    /// Breaks text at spaces so that every line, with its indent, fits. A word longer than a line keeps its own.
    pub(super) fn wrap(self, text: &str, indent: usize) -> String {
        let mut out = String::new();
        let mut used = 0;
        let margin = " ".repeat(indent);
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if used == 0 {
                out.push_str(&margin);
                used = indent;
            } else if used + 1 + length > self.columns() {
                out.push('\n');
                out.push_str(&margin);
                used = indent;
            } else {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
        out
    }
}

/// `text` cut to `width` columns, with an ellipsis where something is left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// `text` filled with spaces to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}
