//! The parser of `ConditionExpression`: recursive descent, loosest operator first.
//!
//! Parentheses may enclose an operand or a whole condition, which only what follows can tell. So a primary yields a [`Node`] that is either,
//! and each place that needs one of the two asks for it.

use super::lex::Kind;
use super::parse::{Fault, Parser, wrong_type};
use super::path::Path;
use super::placeholders::Placeholders;
use super::tree::{Comparator, Condition, Expr, Operand};
use super::{evaluate, invalid};
use crate::core::{ApiError, AttributeValue};

/// Most operands of `IN`.
const IN_OPERANDS_MAX: usize = 100;
/// The names that `attribute_type` knows, in AWS's order.
const TYPE_NAMES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

impl Condition {
    /// Parses an expression of the request member `member`.
    ///
    /// # Errors
    /// `ValidationException` with AWS's text.
    pub fn parse(
        member: &str,
        source: &str,
        placeholders: &mut Placeholders,
    ) -> Result<Self, ApiError> {
        let parsed = Parser::new(source, placeholders).and_then(|mut parser| {
            let node = parser.any_of()?;
            let expr = parser.condition_of(node)?;
            parser.finish()?;
            Ok(Self(*expr))
        });
        parsed.map_err(|reason| invalid(member, &reason))
    }
}

/// Either kind of sub-expression.
enum Node {
    Operand(Operand),
    Condition(Box<Expr>),
    /// Of a function that gives a truth value: its name, for when it stands where an operand must.
    Call(&'static str, Box<Expr>),
}

impl Parser<'_> {
    /// `a OR b`.
    fn any_of(&mut self) -> Result<Node, String> {
        let mut left = self.all_of()?;
        while self.tokens.take_word("or") {
            let (a, right) = (self.condition_of(left)?, self.all_of()?);
            left = Node::Condition(Box::new(Expr::Or(a, self.condition_of(right)?)));
        }
        Ok(left)
    }

    /// `a AND b`.
    fn all_of(&mut self) -> Result<Node, String> {
        let mut left = self.negation()?;
        while self.tokens.take_word("and") {
            let (a, right) = (self.condition_of(left)?, self.negation()?);
            left = Node::Condition(Box::new(Expr::And(a, self.condition_of(right)?)));
        }
        Ok(left)
    }

    /// `NOT a`.
    fn negation(&mut self) -> Result<Node, String> {
        if !self.tokens.take_word("not") {
            return self.comparison();
        }
        self.enter()?;
        let node = self.negation()?;
        self.leave();
        Ok(Node::Condition(Box::new(Expr::Not(
            self.condition_of(node)?,
        ))))
    }

    /// `a = b`, `a BETWEEN b AND c`, `a IN (b, c)`, or what stands alone.
    fn comparison(&mut self) -> Result<Node, String> {
        let left = self.primary()?;
        let token = self.tokens.peek();
        let expr =
            if let (Kind::Symbol, Some(comparator)) = (token.kind, Comparator::of(token.text)) {
                self.tokens.next();
                let left = self.operand_of(left)?;
                let right = self.operand()?;
                self.check_comparison(comparator, token.text, &left, &right);
                Expr::Compare(comparator, Box::new((left, right)))
            } else if self.tokens.take_word("between") {
                let operand = self.operand_of(left)?;
                let lower = self.operand()?;
                if !self.tokens.take_word("and") {
                    return Err(self.tokens.syntax_error());
                }
                let upper = self.operand()?;
                self.check_bounds(&lower, &upper);
                Expr::Between(Box::new((operand, lower, upper)))
            } else if self.tokens.take_word("in") {
                let operand = self.operand_of(left)?;
                Expr::In(Box::new(operand), self.in_list()?)
            } else {
                return Ok(left);
            };
        Ok(Node::Condition(Box::new(expr)))
    }

    fn in_list(&mut self) -> Result<Vec<Operand>, String> {
        let list = self.arguments()?;
        if list.len() > IN_OPERANDS_MAX {
            self.note(
                Fault::OperandCount,
                format!(
                    "The IN operator is provided with too many operands; number of operands: {}",
                    list.len()
                ),
            );
        }
        Ok(list)
    }

    /// A path, a value, a function call, or anything in parentheses.
    fn primary(&mut self) -> Result<Node, String> {
        let token = self.tokens.peek();
        if token.is_symbol("(") {
            return self.parenthesized();
        }
        match token.kind {
            Kind::Value => Ok(Node::Operand(Operand::Value(self.value()?))),
            Kind::Word if self.tokens.peek_second().is_symbol("(") => self.call(),
            Kind::Word if is_keyword(token.text) => Err(self.tokens.syntax_error()),
            Kind::Word | Kind::Name => Ok(Node::Operand(Operand::Path(self.path()?))),
            Kind::Digits | Kind::Symbol | Kind::End => Err(self.tokens.syntax_error()),
        }
    }

    fn parenthesized(&mut self) -> Result<Node, String> {
        let open = self.tokens.at();
        self.tokens.next();
        self.enter()?;
        let node = self.any_of()?;
        let close = self.tokens.at();
        self.tokens.expect_symbol(")")?;
        self.leave();
        if self.last_pair == Some((open + 1, close - 1)) {
            self.note(
                Fault::Parentheses,
                "The expression has redundant parentheses;",
            );
        }
        self.last_pair = Some((open, close));
        Ok(node)
    }

    fn call(&mut self) -> Result<Node, String> {
        let name = self.tokens.next().text;
        let arguments = self.arguments()?;
        let expected = match name {
            "attribute_exists" | "attribute_not_exists" | "size" => 1,
            "attribute_type" | "begins_with" | "contains" => 2,
            _ => {
                self.note(
                    Fault::UnknownFunction,
                    format!("Invalid function name; function: {name}"),
                );
                return Ok(Node::Call("", Box::new(Expr::In(nothing(), arguments))));
            }
        };
        if arguments.len() != expected {
            self.note(
                Fault::OperandCount,
                format!(
                    "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {}",
                    arguments.len()
                ),
            );
            return Ok(Node::Call("", Box::new(Expr::In(nothing(), arguments))));
        }
        Ok(self.function(name, arguments))
    }

    /// A function with the right number of arguments.
    fn function(&mut self, name: &str, arguments: Vec<Operand>) -> Node {
        let mut arguments = arguments.into_iter();
        let first = arguments.next().expect("every function has an argument");
        let Some(second) = arguments.next() else {
            return match name {
                "size" => self.size(first),
                "attribute_exists" => {
                    let path = self.path_of("attribute_exists", first);
                    Node::Call("attribute_exists", Box::new(Expr::Exists(path)))
                }
                _ => {
                    let path = self.path_of("attribute_not_exists", first);
                    Node::Call("attribute_not_exists", Box::new(Expr::NotExists(path)))
                }
            };
        };
        self.check_distinct(name, &first, &second);
        match name {
            "attribute_type" => self.attribute_type(first, &second),
            "begins_with" => {
                for argument in [&first, &second] {
                    if let Some(kind) = argument
                        .known_type()
                        .filter(|kind| !["S", "B"].contains(kind))
                    {
                        let message = wrong_type("operator or function", name, kind);
                        self.note(Fault::OperandType, message);
                    }
                }
                Node::Call(
                    "begins_with",
                    Box::new(Expr::BeginsWith(Box::new((first, second)))),
                )
            }
            _ => Node::Call(
                "contains",
                Box::new(Expr::Contains(Box::new((first, second)))),
            ),
        }
    }

    fn size(&mut self, argument: Operand) -> Node {
        if let Some(kind) = argument
            .known_type()
            .filter(|kind| ["N", "BOOL", "NULL"].contains(kind))
        {
            let message = wrong_type("operator or function", "size", kind);
            self.note(Fault::OperandType, message);
        }
        Node::Operand(Operand::Size(Box::new(argument)))
    }

    fn attribute_type(&mut self, operand: Operand, kind: &Operand) -> Node {
        let name = match kind {
            Operand::Value(AttributeValue::S(name)) => name.clone(),
            Operand::Value(_) | Operand::Path(_) | Operand::Size(_) => {
                let kind = kind
                    .known_type()
                    .unwrap_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
                let message = wrong_type("operator or function", "attribute_type", kind);
                self.note(Fault::OperandType, message);
                String::new()
            }
        };
        if !name.is_empty() && !TYPE_NAMES.contains(&name.as_str()) {
            self.note(
                Fault::OperandType,
                format!(
                    "Invalid attribute type name found; type: {name}, valid types: {{{}}}",
                    TYPE_NAMES.join(",")
                ),
            );
        }
        Node::Call(
            "attribute_type",
            Box::new(Expr::HasType(Box::new(operand), name)),
        )
    }

    /// `(a, b)`.
    fn arguments(&mut self) -> Result<Vec<Operand>, String> {
        self.tokens.expect_symbol("(")?;
        self.enter()?;
        let mut arguments = vec![self.operand()?];
        while self.tokens.take_symbol(",") {
            arguments.push(self.operand()?);
        }
        self.leave();
        self.tokens.expect_symbol(")")?;
        Ok(arguments)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let node = self.primary()?;
        self.operand_of(node)
    }

    fn operand_of(&mut self, node: Node) -> Result<Operand, String> {
        match node {
            Node::Operand(operand) => Ok(operand),
            Node::Condition(_) => Err(self.tokens.syntax_error()),
            Node::Call(name, _) => {
                self.misused(name);
                Ok(Operand::Value(AttributeValue::Null))
            }
        }
    }

    fn condition_of(&mut self, node: Node) -> Result<Box<Expr>, String> {
        match node {
            Node::Condition(expr) | Node::Call(_, expr) => Ok(expr),
            Node::Operand(Operand::Size(operand)) => {
                self.misused("size");
                Ok(Box::new(Expr::In(operand, Vec::new())))
            }
            Node::Operand(Operand::Path(_) | Operand::Value(_)) => Err(self.tokens.syntax_error()),
        }
    }

    fn misused(&mut self, name: &str) {
        self.note(
            Fault::MisusedFunction,
            format!(
                "The function is not allowed to be used this way in an expression; function: {name}"
            ),
        );
    }

    fn path_of(&mut self, name: &str, operand: Operand) -> Path {
        match operand {
            Operand::Path(path) => path,
            Operand::Value(_) | Operand::Size(_) => {
                self.note(
                    Fault::OperandType,
                    format!(
                        "Operator or function requires a document path; operator or function: {name}"
                    ),
                );
                Path::top(String::new())
            }
        }
    }

    fn check_comparison(
        &mut self,
        comparator: Comparator,
        symbol: &str,
        left: &Operand,
        right: &Operand,
    ) {
        self.check_distinct(symbol, left, right);
        if matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
            return;
        }
        for operand in [left, right] {
            if let Some(kind) = operand
                .known_type()
                .filter(|kind| !["S", "N", "B"].contains(kind))
            {
                self.note(Fault::OperandType, wrong_type("operator", symbol, kind));
            }
        }
    }

    fn check_distinct(&mut self, name: &str, left: &Operand, right: &Operand) {
        if let (Operand::Path(left), Operand::Path(right)) = (left, right)
            && left == right
        {
            self.note(
                Fault::Distinct,
                format!(
                    "The first operand must be distinct from the remaining operands for this operator or function; operator: {name}, first operand: {left}"
                ),
            );
        }
    }

    fn check_bounds(&mut self, lower: &Operand, upper: &Operand) {
        let (Operand::Value(low), Operand::Value(high)) = (lower, upper) else {
            return;
        };
        let complaint = match evaluate::order(low, high) {
            _ if low.type_name() != high.type_name() => "same data type for lower and upper bounds",
            Some(std::cmp::Ordering::Greater) => {
                "upper bound to be greater than or equal to lower bound"
            }
            Some(_) => return,
            None => {
                let message = wrong_type("operator", "BETWEEN", low.type_name());
                self.note(Fault::OperandType, message);
                return;
            }
        };
        self.note(
            Fault::OperandType,
            format!(
                "The BETWEEN operator requires {complaint}; lower bound operand: AttributeValue: {low}, upper bound operand: AttributeValue: {high}"
            ),
        );
    }
}

/// A placeholder for the operand of a call that is refused anyway.
fn nothing() -> Box<Operand> {
    Box::new(Operand::Value(AttributeValue::Null))
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "between", "in"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}
