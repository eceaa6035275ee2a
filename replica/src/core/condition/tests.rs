//! Expressions: what they mean, and how they are refused.

use proptest::prelude::*;

use super::{Condition, Placeholders, Projection, Update};
use crate::core::{AttributeValue, Item, Number};

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(Number::parse(text).unwrap())
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn list(values: &[AttributeValue]) -> AttributeValue {
    AttributeValue::L(values.to_vec())
}

fn map(pairs: &[(&str, AttributeValue)]) -> Item {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn strings(values: &[&str]) -> AttributeValue {
    AttributeValue::Ss(values.iter().map(|value| (*value).to_owned()).collect())
}

fn item() -> Item {
    map(&[
        ("id", text("k")),
        ("n", number("5")),
        ("s", text("hello")),
        ("b", AttributeValue::B(vec![1, 2, 3])),
        ("t", AttributeValue::Bool(true)),
        ("tags", strings(&["x", "y"])),
        ("l", list(&[number("1"), number("2"), number("3")])),
        (
            "m",
            AttributeValue::M(map(&[("a", list(&[text("deep"), number("9")]))])),
        ),
    ])
}

fn placeholders() -> Placeholders {
    let names = [("#n", "n"), ("#name", "name"), ("#aws", "aws:rep:deleting")];
    let values = [
        (":five", number("5")),
        (":one", number("1")),
        (":six", number("6.0")),
        (":h", text("he")),
        (":x", text("x")),
        (":type", text("N")),
        (":bad", text("Q")),
        (":t", AttributeValue::Bool(true)),
        (":l", list(&[number("7")])),
        (":empty", list(&[])),
        (":set", strings(&["y", "z"])),
        (":all", strings(&["x", "y"])),
    ];
    Placeholders::new(
        Some(
            names
                .map(|(key, name)| (key.to_owned(), name.to_owned()))
                .to_vec(),
        ),
        Some(values.map(|(key, value)| (key.to_owned(), value)).to_vec()),
    )
    .unwrap()
}

fn holds(source: &str, item: Option<&Item>) -> bool {
    Condition::parse("ConditionExpression", source, &mut placeholders())
        .unwrap_or_else(|error| panic!("{source}: {}", error.message))
        .evaluate(item)
        .unwrap()
}

fn condition_refusal(source: &str) -> String {
    Condition::parse("ConditionExpression", source, &mut placeholders())
        .unwrap_err()
        .message
}

fn updated(source: &str) -> Result<Item, String> {
    Update::parse(source, &mut placeholders())
        .and_then(|update| update.apply(&item()))
        .map_err(|error| error.message)
}

fn refusal(source: &str) -> String {
    updated(source).unwrap_err()
}

#[test]
fn conditions_that_hold() {
    for source in [
        "n = :five",
        "#n = :five AND s <> :x",
        "n < :six and n >= :five And NOT n > :six",
        "n BETWEEN :one AND :six",
        "n IN (:one, :five)",
        "attribute_exists(m.a[0]) and attribute_not_exists(m.a[2])",
        "attribute_not_exists(#aws)",
        "attribute_type(n, :type)",
        "begins_with(s, :h)",
        "contains(tags, :x) AND contains(l, :one)",
        "contains(s, :h)",
        "size(s) = :five AND size(l) < :five",
        "absent <> :five",
        "m.a[1] > :six",
        "(n = :one OR n = :five) AND (t = :t)",
        "n = :one AND n = :one OR n = :five",
        "NOT (n = :one AND n = :five)",
        "(n) = (:five)",
        "tags = :all",
    ] {
        assert!(holds(source, Some(&item())), "{source}");
    }
}

#[test]
fn conditions_that_do_not_hold() {
    for source in [
        "n = :h",
        "n < :h",
        "absent = :five",
        "absent < :five",
        "size(n) = :one",
        "s[0] = :x",
        "n.a = :x",
        "contains(n, :x)",
        "n = :one OR (n = :one AND n = :five)",
    ] {
        assert!(!holds(source, Some(&item())), "{source}");
    }
    assert!(holds("attribute_not_exists(id)", None));
    assert!(!holds("attribute_exists(id) OR n = :five", None));
}

#[test]
fn refused_conditions() {
    let refused = condition_refusal;
    insta::assert_snapshot!(refused(""), @"Invalid ConditionExpression: The expression can not be empty;");
    insta::assert_snapshot!(refused("n = "), @r#"Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "=""#);
    insta::assert_snapshot!(refused("n = = :five"), @r#"Invalid ConditionExpression: Syntax error; token: "=", near: "= = :five""#);
    insta::assert_snapshot!(refused("foo-bar = :five"), @r#"Invalid ConditionExpression: Syntax error; token: "-", near: "foo-bar""#);
    insta::assert_snapshot!(refused("n"), @r#"Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "n""#);
    insta::assert_snapshot!(refused("name = :five"), @"Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name");
    insta::assert_snapshot!(refused("#nope = :five"), @"Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #nope");
    insta::assert_snapshot!(refused("n = :nope"), @"Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :nope");
    insta::assert_snapshot!(refused("((n = :five))"), @"Invalid ConditionExpression: The expression has redundant parentheses;");
    insta::assert_snapshot!(refused("nope(n)"), @"Invalid ConditionExpression: Invalid function name; function: nope");
    insta::assert_snapshot!(refused("size(n)"), @"Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: size");
    insta::assert_snapshot!(refused("attribute_exists(n) = :five"), @"Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: attribute_exists");
    insta::assert_snapshot!(refused("attribute_exists(:five)"), @"Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists");
    insta::assert_snapshot!(refused("begins_with(n, :five)"), @"Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N");
    insta::assert_snapshot!(refused("contains(n)"), @"Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1");
    insta::assert_snapshot!(refused("attribute_type(n, :bad)"), @"Invalid ConditionExpression: Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
    insta::assert_snapshot!(refused("n = n"), @"Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]");
    insta::assert_snapshot!(refused("n < :t"), @"Invalid ConditionExpression: Incorrect operand type for operator or function; operator: <, operand type: BOOL");
    insta::assert_snapshot!(refused("n BETWEEN :six AND :one"), @"Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:1}");
    insta::assert_snapshot!(refused("n BETWEEN :h AND :one"), @"Invalid ConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:he}, upper bound operand: AttributeValue: {N:1}");
    insta::assert_snapshot!(refused(&format!("n = :five{}", " OR n = :one".repeat(150))), @"Invalid ConditionExpression: The expression contains too many operators; operator count: 301");
    insta::assert_snapshot!(refused(&"x".repeat(4097)), @"Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097");
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    let deep = |open: &str, close: &str, levels: usize| {
        format!("{}n = :five{}", open.repeat(levels), close.repeat(levels))
    };
    insta::assert_snapshot!(condition_refusal(&"(".repeat(4096)), @"Invalid ConditionExpression: The expression is nested too deeply; most levels: 64");
    assert!(holds(&deep("NOT (", ")", 32), Some(&item())));
    for source in [
        deep("NOT (", ")", 299),
        deep("size(", ")", 299),
        deep("NOT ", "", 299),
    ] {
        assert!(condition_refusal(&source).contains("nested too deeply"));
    }
    assert!(refusal(&format!("SET n = {}", "list_append(".repeat(299))).contains("too deeply"));
    assert!(refusal(&format!("SET n = {}", "(".repeat(4000))).contains("too deeply"));
    let wide = format!("n = :five{}", " AND n = :five".repeat(149));
    assert!(holds(&wide, Some(&item())));
}

#[test]
fn placeholders_must_be_well_formed_and_used() {
    let make = |name: &str| Placeholders::new(Some(vec![(name.to_owned(), "n".to_owned())]), None);
    insta::assert_snapshot!(make("n").unwrap_err().message, @r#"ExpressionAttributeNames contains invalid key: Syntax error; key: "n""#);
    insta::assert_snapshot!(make("#n").unwrap().check_all_used().unwrap_err().message, @"Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}");
    insta::assert_snapshot!(Placeholders::new(None, Some(vec![])).unwrap_err().message, @"ExpressionAttributeValues must not be empty");
    let mut used = make("#n").unwrap();
    Projection::parse("#n", &mut used).unwrap();
    assert!(used.check_all_used().is_ok());
}

/// The attributes that an update changed, with `None` for those it removed.
fn changes(source: &str) -> Vec<(String, Option<AttributeValue>)> {
    let (old, new) = (
        item(),
        updated(source).unwrap_or_else(|error| panic!("{source}: {error}")),
    );
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| (name.clone(), new.get(name).cloned()))
        .collect()
}

#[test]
fn updates() {
    let one = |name: &str, value| vec![(name.to_owned(), Some(value))];
    let gone = |name: &str| vec![(name.to_owned(), None)];
    let numbers = |texts: &[&str]| list(&texts.iter().map(|text| number(text)).collect::<Vec<_>>());
    assert_eq!(changes("SET n = n + :one"), one("n", number("6")));
    assert_eq!(changes("SET n = :one - n"), one("n", number("-4")));
    assert_eq!(
        changes("SET extra = if_not_exists(extra, :one) + :one"),
        one("extra", number("2"))
    );
    assert_eq!(changes("SET n = if_not_exists(n, :one)"), vec![]);
    assert_eq!(
        changes("set l = list_append(l, :l)"),
        one("l", numbers(&["1", "2", "3", "7"]))
    );
    assert_eq!(
        changes("SET q = list_append(if_not_exists(q, :empty), :l)"),
        one("q", numbers(&["7"]))
    );
    assert_eq!(
        changes("SET l[9] = :six, l[5] = :five"),
        one("l", numbers(&["1", "2", "3", "5", "6"]))
    );
    assert_eq!(changes("REMOVE l[0], l[1]"), one("l", numbers(&["3"])));
    assert_eq!(changes("REMOVE l[7], absent"), vec![]);
    assert_eq!(changes("REMOVE s"), gone("s"));
    assert_eq!(changes("ADD n :five"), one("n", number("10")));
    assert_eq!(changes("ADD fresh :five"), one("fresh", number("5")));
    assert_eq!(
        changes("ADD tags :set"),
        one("tags", strings(&["x", "y", "z"]))
    );
    assert_eq!(changes("DELETE tags :set"), one("tags", strings(&["x"])));
    assert_eq!(changes("DELETE tags :all"), gone("tags"));
    assert_eq!(changes("DELETE nothing :all"), vec![]);
    // Right-hand sides read the old item.
    assert_eq!(
        changes("SET n = s, s = n"),
        vec![
            ("n".to_owned(), Some(text("hello"))),
            ("s".to_owned(), Some(number("5")))
        ]
    );
    assert_eq!(
        changes("SET m.c = :one REMOVE m.a"),
        one("m", AttributeValue::M(map(&[("c", number("1"))])))
    );
}

#[test]
fn refused_updates() {
    insta::assert_snapshot!(refusal("SET n = absent"), @"The provided expression refers to an attribute that does not exist in the item");
    insta::assert_snapshot!(refusal("SET n = s + :one"), @"An operand in the update expression has an incorrect data type");
    insta::assert_snapshot!(refusal("SET n = n + :h"), @"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S");
    insta::assert_snapshot!(refusal("SET absent.a = :one"), @"The document path provided in the update expression is invalid for update");
    insta::assert_snapshot!(refusal("SET n.a = :one"), @"The document path provided in the update expression is invalid for update");
    insta::assert_snapshot!(refusal("ADD n :h"), @"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING");
    insta::assert_snapshot!(refusal("ADD s :five"), @"An operand in the update expression has an incorrect data type");
    insta::assert_snapshot!(refusal("DELETE tags :one"), @"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER");
    insta::assert_snapshot!(refusal("SET n = :one SET s = :one"), @r#"Invalid UpdateExpression: The "SET" section can only be used once in an update expression;"#);
    insta::assert_snapshot!(refusal("SET m.a = :one, m.a[0] = :one"), @"Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m, a, [0]]");
    insta::assert_snapshot!(refusal("SET m.a = :one REMOVE m[0]"), @"Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m, [0]]");
    insta::assert_snapshot!(refusal("SET n = nope(n)"), @"Invalid UpdateExpression: Invalid function name; function: nope");
    insta::assert_snapshot!(refusal("SET n = list_append(l)"), @"Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1");
    insta::assert_snapshot!(refusal("SET n = list_append(l, :one)"), @"Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: N");
    insta::assert_snapshot!(refusal("SET n = list_append(l, n)"), @"An operand in the update expression has an incorrect data type");
    insta::assert_snapshot!(refusal("SET n :one"), @r#"Invalid UpdateExpression: Syntax error; token: ":one", near: "n :one""#);
    insta::assert_snapshot!(refusal("BUMP n"), @r#"Invalid UpdateExpression: Syntax error; token: "BUMP", near: "BUMP n""#);
    insta::assert_snapshot!(refusal("SET"), @r#"Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET""#);
}

#[test]
fn an_update_knows_what_it_touches() {
    let update =
        Update::parse("SET m.a[0] = :one, n = :five REMOVE s", &mut placeholders()).unwrap();
    assert!(update.touches("m") && update.touches("n") && update.touches("s"));
    assert!(!update.touches("id"));
    let new = update.apply(&item()).unwrap();
    assert_eq!(
        update.updated_attributes(&new),
        map(&[
            ("m", AttributeValue::M(map(&[("a", list(&[number("1")]))]))),
            ("n", number("5"))
        ])
    );
    assert_eq!(
        update.updated_attributes(&item()),
        map(&[
            ("m", AttributeValue::M(map(&[("a", list(&[text("deep")]))]))),
            ("n", number("5")),
            ("s", text("hello")),
        ])
    );
}

#[test]
fn projections_keep_the_shape() {
    let project = |source: &str| {
        Projection::parse(source, &mut placeholders())
            .unwrap()
            .project(&item())
    };
    assert_eq!(project("#n, absent"), map(&[("n", number("5"))]));
    assert_eq!(
        project("l[2], l[0], l[9]"),
        map(&[("l", list(&[number("1"), number("3")]))])
    );
    assert_eq!(
        project("m.a[1]"),
        map(&[("m", AttributeValue::M(map(&[("a", list(&[number("9")]))])))])
    );
    assert_eq!(project("n.a, s[0], m.zzz"), Item::new());
    let refused = |source: &str| {
        Projection::parse(source, &mut placeholders())
            .unwrap_err()
            .message
    };
    insta::assert_snapshot!(refused("n, n"), @"Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]");
    insta::assert_snapshot!(refused("a.b, a[0]"), @"Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]");
    insta::assert_snapshot!(refused("n,"), @r#"Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ",""#);
}

/// Text made of the pieces that expressions are made of.
fn expression() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "n",
            "m.a[1]",
            "#n",
            ":five",
            "AND",
            "OR",
            "NOT",
            "BETWEEN",
            "IN",
            "(",
            ")",
            "=",
            "<>",
            "<",
            ",",
            "size(",
            "contains(",
            "SET",
            "REMOVE",
            "ADD",
            "DELETE",
            "+",
            "-",
            "[",
            "]",
            ".",
            "if_not_exists(",
            "list_append(",
            "tags",
            ":set",
            "1",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,3}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_expression_panics(source in expression()) {
        let item = item();
        if let Ok(condition) = Condition::parse("ConditionExpression", &source, &mut placeholders()) {
            let _ = condition.evaluate(Some(&item));
            let _ = condition.evaluate(None);
        }
        if let Ok(update) = Update::parse(&source, &mut placeholders()) {
            let _ = update.apply(&item).map(|new| update.updated_attributes(&new));
        }
        if let Ok(projection) = Projection::parse(&source, &mut placeholders()) {
            let _ = projection.project(&item);
        }
    }
}
