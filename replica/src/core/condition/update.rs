//! Update expressions: the tree and its parser.

use super::invalid;
use super::lex::Kind;
use super::parse::{Fault, Parser, wrong_type};
use super::path::Path;
use super::placeholders::Placeholders;
use super::projection::Projection;
use crate::core::{ApiError, AttributeValue, Item};

/// A parsed `UpdateExpression`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Paths do not clash.
    pub(super) actions: Vec<(Path, Action)>,
}

/// What to do at a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Set(Operand),
    Remove,
    Add(AttributeValue),
    Delete(AttributeValue),
}

/// A right-hand side of `SET`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Path(Path),
    Value(AttributeValue),
    Sum(Box<(Operand, Operand)>),
    Difference(Box<(Operand, Operand)>),
    IfNotExists(Path, Box<Operand>),
    ListAppend(Box<(Operand, Operand)>),
}

impl Update {
    /// Parses an `UpdateExpression`.
    ///
    /// # Errors
    /// `ValidationException` with AWS's text.
    pub fn parse(source: &str, placeholders: &mut Placeholders) -> Result<Self, ApiError> {
        let parsed = Parser::new(source, placeholders).and_then(|mut parser| {
            let actions = parser.sections()?;
            parser.check_clashes(actions.iter().map(|(path, _)| path));
            parser.finish()?;
            Ok(Self { actions })
        });
        parsed.map_err(|reason| invalid("UpdateExpression", &reason))
    }

    /// Whether it writes to this attribute or into it.
    #[must_use]
    pub fn touches(&self, attribute: &str) -> bool {
        self.actions
            .iter()
            .any(|(path, _)| path.attribute == attribute)
    }

    /// The parts of the item that it writes to: of the old item `UPDATED_OLD`, of the new one `UPDATED_NEW`.
    #[must_use]
    pub fn updated_attributes(&self, item: &Item) -> Item {
        Projection::of(self.actions.iter().map(|(path, _)| path)).project(item)
    }
}

impl Parser<'_> {
    fn sections(&mut self) -> Result<Vec<(Path, Action)>, String> {
        let mut actions = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let token = self.tokens.peek();
            let Some(section) = ["SET", "REMOVE", "ADD", "DELETE"]
                .into_iter()
                .find(|word| token.is_word(word))
            else {
                if token.kind == Kind::End && !seen.is_empty() {
                    return Ok(actions);
                }
                return Err(self.tokens.syntax_error());
            };
            self.tokens.next();
            if seen.contains(&section) {
                self.note(
                    Fault::Section,
                    format!(
                        "The \"{section}\" section can only be used once in an update expression;"
                    ),
                );
            }
            seen.push(section);
            actions.push(self.action(section)?);
            while self.tokens.take_symbol(",") {
                actions.push(self.action(section)?);
            }
        }
    }

    fn action(&mut self, section: &str) -> Result<(Path, Action), String> {
        let path = self.path()?;
        let action = match section {
            "SET" => {
                self.tokens.expect_symbol("=")?;
                Action::Set(self.right_hand_side()?)
            }
            "REMOVE" => Action::Remove,
            "ADD" => Action::Add(self.operator_value("ADD", &["N", "SS", "NS", "BS"])?),
            _ => Action::Delete(self.operator_value("DELETE", &["SS", "NS", "BS"])?),
        };
        Ok((path, action))
    }

    /// The value of `ADD` or `DELETE`, whose type AWS spells out when it refuses it.
    fn operator_value(&mut self, name: &str, accepted: &[&str]) -> Result<AttributeValue, String> {
        let value = self.value()?;
        if !accepted.contains(&value.type_name()) {
            self.note(
                Fault::OperandType,
                wrong_type("operator", name, long_type_name(&value)),
            );
        }
        Ok(value)
    }

    /// `a`, `a + b`, `a - b`, in parentheses or not.
    fn right_hand_side(&mut self) -> Result<Operand, String> {
        if self.tokens.take_symbol("(") {
            let operand = self.arithmetic()?;
            self.tokens.expect_symbol(")")?;
            return self.arithmetic_after(operand);
        }
        self.arithmetic()
    }

    fn arithmetic(&mut self) -> Result<Operand, String> {
        let left = self.update_operand()?;
        self.arithmetic_after(left)
    }

    fn arithmetic_after(&mut self, left: Operand) -> Result<Operand, String> {
        let make: fn(Box<(Operand, Operand)>) -> Operand = match self.tokens.peek() {
            token if token.is_symbol("+") => Operand::Sum,
            token if token.is_symbol("-") => Operand::Difference,
            _ => return Ok(left),
        };
        let symbol = self.tokens.next().text;
        let right = self.update_operand()?;
        for operand in [&left, &right] {
            self.check_update_type(symbol, operand, "N");
        }
        Ok(make(Box::new((left, right))))
    }

    fn update_operand(&mut self) -> Result<Operand, String> {
        let token = self.tokens.peek();
        match token.kind {
            Kind::Value => Ok(Operand::Value(self.value()?)),
            Kind::Word if self.tokens.peek_second().is_symbol("(") => self.update_call(),
            Kind::Word | Kind::Name => Ok(Operand::Path(self.path()?)),
            Kind::Symbol if token.is_symbol("(") => {
                self.tokens.next();
                self.enter()?;
                let operand = self.update_operand()?;
                self.leave();
                self.tokens.expect_symbol(")")?;
                Ok(operand)
            }
            Kind::Digits | Kind::Symbol | Kind::End => Err(self.tokens.syntax_error()),
        }
    }

    fn update_call(&mut self) -> Result<Operand, String> {
        let name = self.tokens.next().text;
        self.tokens.expect_symbol("(")?;
        self.enter()?;
        let mut arguments = vec![self.update_operand()?];
        while self.tokens.take_symbol(",") {
            arguments.push(self.update_operand()?);
        }
        self.leave();
        self.tokens.expect_symbol(")")?;
        if !["if_not_exists", "list_append"].contains(&name) {
            self.note(
                Fault::UnknownFunction,
                format!("Invalid function name; function: {name}"),
            );
        }
        let count = arguments.len();
        let mut arguments = arguments.into_iter();
        let (Some(first), Some(second), None) =
            (arguments.next(), arguments.next(), arguments.next())
        else {
            self.note(
                Fault::OperandCount,
                format!(
                    "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
                ),
            );
            return Ok(Operand::Value(AttributeValue::Null));
        };
        if name == "list_append" {
            for operand in [&first, &second] {
                self.check_update_type(name, operand, "L");
            }
            return Ok(Operand::ListAppend(Box::new((first, second))));
        }
        let Operand::Path(path) = first else {
            self.note(
                Fault::OperandType,
                format!(
                    "Operator or function requires a document path; operator or function: {name}"
                ),
            );
            return Ok(second);
        };
        Ok(Operand::IfNotExists(path, Box::new(second)))
    }

    fn check_update_type(&mut self, name: &str, operand: &Operand, expected: &str) {
        if let Operand::Value(value) = operand
            && value.type_name() != expected
        {
            let message = wrong_type("operator or function", name, value.type_name());
            self.note(Fault::OperandType, message);
        }
    }
}

fn long_type_name(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "STRING",
        AttributeValue::N(_) => "NUMBER",
        AttributeValue::B(_) => "BINARY",
        AttributeValue::Bool(_) => "BOOLEAN",
        AttributeValue::Null => "NULL",
        AttributeValue::M(_) => "MAP",
        AttributeValue::L(_) => "LIST",
        AttributeValue::Ss(_) => "STRING_SET",
        AttributeValue::Ns(_) => "NUMBER_SET",
        AttributeValue::Bs(_) => "BINARY_SET",
    }
}
