//! What the three parsers share: paths, placeholders, and the order in which AWS reports several faults.

use super::lex::{Kind, Tokens};
use super::path::{Clash, Path, Step};
use super::placeholders::Placeholders;
use super::reserved;
use crate::core::AttributeValue;

/// Deepest nesting of parentheses, calls and `NOT`. It keeps the parsers off the end of the stack; AWS's own bound is not documented.
const DEPTH_MAX: usize = 64;

/// A fault that does not stop the parser. AWS reports the first of the most important kind; the order here is its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Parentheses,
    UnknownFunction,
    MisusedFunction,
    Reserved,
    Section,
    UndefinedPlaceholder,
    PathOverlap,
    PathConflict,
    OperandCount,
    Distinct,
    OperandType,
}

/// A parser's state.
pub(super) struct Parser<'a> {
    pub(super) tokens: Tokens<'a>,
    placeholders: &'a mut Placeholders,
    fault: Option<(Fault, String)>,
    /// Where the pair of parentheses that was closed last begins and ends.
    pub(super) last_pair: Option<(usize, usize)>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// A parser at the start of an expression.
    pub(super) fn new(source: &'a str, placeholders: &'a mut Placeholders) -> Result<Self, String> {
        Ok(Self {
            tokens: Tokens::of(source)?,
            placeholders,
            fault: None,
            last_pair: None,
            depth: 0,
        })
    }

    /// Keeps the fault if it is more important than the one kept.
    pub(super) fn note(&mut self, fault: Fault, message: impl Into<String>) {
        if self.fault.as_ref().is_none_or(|(kept, _)| fault < *kept) {
            self.fault = Some((fault, message.into()));
        }
    }

    /// One level further in.
    pub(super) fn enter(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!(
                "The expression is nested too deeply; most levels: {DEPTH_MAX}"
            ));
        }
        Ok(())
    }

    /// One level out.
    pub(super) fn leave(&mut self) {
        assert!(self.depth > 0, "every leave has its enter");
        self.depth -= 1;
    }

    /// The end: no token may be left, and no fault kept.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.tokens.peek().kind != Kind::End {
            return Err(self.tokens.syntax_error());
        }
        match self.fault {
            Some((_, message)) => Err(message),
            None => Ok(()),
        }
    }

    /// A document path.
    pub(super) fn path(&mut self) -> Result<Path, String> {
        let mut path = Path::top(self.path_name()?);
        loop {
            if self.tokens.take_symbol(".") {
                path.steps.push(Step::Field(self.path_name()?));
            } else if self.tokens.take_symbol("[") {
                path.steps.push(Step::Index(self.index()?));
                self.tokens.expect_symbol("]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn path_name(&mut self) -> Result<String, String> {
        let token = self.tokens.peek();
        match token.kind {
            Kind::Word => {
                self.tokens.next();
                if reserved::is_reserved(token.text) {
                    self.note(
                        Fault::Reserved,
                        format!(
                            "Attribute name is a reserved keyword; reserved keyword: {}",
                            token.text
                        ),
                    );
                }
                Ok(token.text.to_owned())
            }
            Kind::Name => {
                self.tokens.next();
                let name = self.placeholders.name(token.text);
                if name.is_none() {
                    self.note(
                        Fault::UndefinedPlaceholder,
                        format!(
                            "An expression attribute name used in the document path is not defined; attribute name: {}",
                            token.text
                        ),
                    );
                }
                Ok(name.unwrap_or_default())
            }
            Kind::Value | Kind::Digits | Kind::Symbol | Kind::End => {
                Err(self.tokens.syntax_error())
            }
        }
    }

    fn index(&mut self) -> Result<usize, String> {
        let token = self.tokens.peek();
        if token.kind != Kind::Digits {
            return Err(self.tokens.syntax_error());
        }
        self.tokens.next();
        token
            .text
            .parse()
            .ok()
            .filter(|index| *index <= 1_000_000)
            .ok_or_else(|| {
                format!(
                    "List index is not within the allowable range; index: [{}]",
                    token.text
                )
            })
    }

    /// The value of a `:value` token. An undefined one is kept as a fault and read as null.
    pub(super) fn value(&mut self) -> Result<AttributeValue, String> {
        let token = self.tokens.peek();
        if token.kind != Kind::Value {
            return Err(self.tokens.syntax_error());
        }
        self.tokens.next();
        let value = self.placeholders.value(token.text);
        if value.is_none() {
            self.note(
                Fault::UndefinedPlaceholder,
                format!(
                    "An expression attribute value used in expression is not defined; attribute value: {}",
                    token.text
                ),
            );
        }
        Ok(value.unwrap_or(AttributeValue::Null))
    }

    /// Notes paths that get into each other's way.
    pub(super) fn check_clashes<'p>(&mut self, paths: impl Iterator<Item = &'p Path> + Clone) {
        for (index, later) in paths.clone().enumerate() {
            for earlier in paths.clone().take(index) {
                let (fault, verb) = match earlier.clash(later) {
                    Clash::None => continue,
                    Clash::Overlap => (Fault::PathOverlap, "overlap"),
                    Clash::Conflict => (Fault::PathConflict, "conflict"),
                };
                self.note(
                    fault,
                    format!(
                        "Two document paths {verb} with each other; must remove or rewrite one of these paths; path one: {earlier}, path two: {later}"
                    ),
                );
            }
        }
    }
}

/// AWS's refusal of an operand's type.
pub(super) fn wrong_type(what: &str, name: &str, kind: &str) -> String {
    format!("Incorrect operand type for operator or function; {what}: {name}, operand type: {kind}")
}
