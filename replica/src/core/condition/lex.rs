//! Text to tokens, and AWS's syntax errors, which quote the token and its neighbours.

/// Most bytes of an expression.
const EXPRESSION_MAX_BYTES: usize = 4096;
/// Most operators and functions in an expression.
const OPERATORS_MAX: usize = 300;

/// What kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a function.
    Word,
    /// `#name`.
    Name,
    /// `:value`.
    Value,
    /// Digits, as in `[12]`.
    Digits,
    /// An operator, parenthesis, bracket, comma or point.
    Symbol,
    /// Past the last one.
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    start: usize,
}

impl Token<'_> {
    /// Whether it is this keyword, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this symbol.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The tokens of an expression, read from left to right.
pub(super) struct Tokens<'a> {
    source: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Cuts an expression into tokens.
    pub(super) fn of(source: &'a str) -> Result<Self, String> {
        if source.is_empty() {
            return Err("The expression can not be empty;".to_owned());
        }
        if source.len() > EXPRESSION_MAX_BYTES {
            return Err(format!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                source.len()
            ));
        }
        let mut tokens = Vec::with_capacity(source.len() / 4 + 2);
        let mut start = 0;
        while start < source.len() {
            let rest = &source[start..];
            let length = token_length(rest);
            if !rest.starts_with([' ', '\t', '\r', '\n']) {
                let text = &rest[..length];
                tokens.push(Token {
                    kind: kind_of(text),
                    text,
                    start,
                });
            }
            start += length;
        }
        tokens.push(Token {
            kind: Kind::End,
            text: "",
            start: source.len(),
        });
        let tokens = Self {
            source,
            tokens,
            at: 0,
        };
        let operators = tokens.operators();
        if operators > OPERATORS_MAX {
            return Err(format!(
                "The expression contains too many operators; operator count: {operators}"
            ));
        }
        Ok(tokens)
    }

    /// Operators and functions. The `AND` of a `BETWEEN` stands for both.
    fn operators(&self) -> usize {
        let is_operator = |pair: &[Token<'_>]| match pair[0].kind {
            Kind::Word => {
                ["and", "or", "not"]
                    .iter()
                    .any(|word| pair[0].is_word(word))
                    || pair[1].is_symbol("(")
            }
            Kind::Symbol => ["=", "<", ">", "<=", ">=", "<>", "+", "-"].contains(&pair[0].text),
            Kind::Name | Kind::Value | Kind::Digits | Kind::End => false,
        };
        self.tokens
            .windows(2)
            .filter(|pair| is_operator(pair))
            .count()
    }

    /// How many tokens are consumed.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next token, not consumed.
    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    /// The token after the next one.
    pub(super) fn peek_second(&self) -> Token<'a> {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// Consumes a token.
    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Consumes the symbol if it is next.
    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Consumes the keyword if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Consumes the symbol.
    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<(), String> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.syntax_error())
        }
    }

    /// The refusal of the next token.
    pub(super) fn syntax_error(&self) -> String {
        let at = self.at.min(self.tokens.len() - 1);
        let token = self.tokens[at];
        let from = self.tokens[at.saturating_sub(1)].start;
        let to = self.tokens[(at + 1).min(self.tokens.len() - 1)];
        let to = if to.kind == Kind::End {
            token.end()
        } else {
            to.end()
        };
        let text = if token.kind == Kind::End {
            "<EOF>"
        } else {
            token.text
        };
        let near = self.source[from..to].trim_end();
        format!("Syntax error; token: \"{text}\", near: \"{near}\"")
    }
}

/// How many bytes the token (or the white space) at the start of the text has; at least one character.
fn token_length(text: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let run = |from: usize, of: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| of(byte)).count()
    };
    match bytes[0] {
        b' ' | b'\t' | b'\r' | b'\n' => 1,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => run(0, part),
        b'#' | b':' => run(1, part),
        b'0'..=b'9' => run(0, u8::is_ascii_digit),
        b'<' if matches!(bytes.get(1), Some(b'=' | b'>')) => 2,
        b'>' if bytes.get(1) == Some(&b'=') => 2,
        _ => text.chars().next().map_or(1, char::len_utf8),
    }
}

fn kind_of(text: &str) -> Kind {
    match text.as_bytes()[0] {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => Kind::Word,
        b'#' if text.len() > 1 => Kind::Name,
        b':' if text.len() > 1 => Kind::Value,
        b'0'..=b'9' => Kind::Digits,
        _ => Kind::Symbol,
    }
}
