//! Keys: their order, their limits, their refusals.

use proptest::prelude::*;

use super::{ItemKey, key_attributes, key_of_item, key_of_key_map};
use crate::core::{AttributeValue, Item, KeySchema, KeyType, Number};

fn schema(partition: KeyType, sort: Option<KeyType>) -> KeySchema {
    KeySchema {
        partition: ("p".to_owned(), partition),
        sort: sort.map(|kind| ("s".to_owned(), kind)),
    }
}

fn item(pairs: &[(&str, AttributeValue)]) -> Item {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn refusal(result: Result<ItemKey, crate::core::ApiError>) -> String {
    result.unwrap_err().message
}

#[test]
fn refusals_of_whole_items() {
    let table = schema(KeyType::S, Some(KeyType::N));
    insta::assert_snapshot!(refusal(key_of_item(&table, &item(&[("p", text("a"))]))),
        @"One or more parameter values were invalid: Missing the key s in the item");
    insta::assert_snapshot!(refusal(key_of_item(&table, &item(&[("p", AttributeValue::Bool(true))]))),
        @"One or more parameter values were invalid: Type mismatch for key p expected: S actual: BOOL");
    insta::assert_snapshot!(refusal(key_of_item(&table, &item(&[("p", text(""))]))),
        @"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p");
    insta::assert_snapshot!(refusal(key_of_item(&table, &item(&[("p", text(&"x".repeat(2049)))]))),
        @"One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes");
    let table = schema(KeyType::S, Some(KeyType::B));
    let long = item(&[
        ("p", text(&"x".repeat(2048))),
        ("s", AttributeValue::B(vec![0; 1025])),
    ]);
    insta::assert_snapshot!(refusal(key_of_item(&table, &long)),
        @"One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
}

#[test]
fn a_key_map_matches_the_schema_exactly() {
    let table = schema(KeyType::S, None);
    assert!(key_of_key_map(&table, &item(&[("p", text("a"))])).is_ok());
    for wrong in [
        item(&[]),
        item(&[("q", text("a"))]),
        item(&[("p", text("a")), ("s", text("b"))]),
        item(&[("p", AttributeValue::N(Number::from(1)))]),
    ] {
        assert_eq!(
            refusal(key_of_key_map(&table, &wrong)),
            "The provided key element does not match the schema"
        );
    }
}

#[test]
fn key_attributes_are_the_schemas() {
    let table = schema(KeyType::S, Some(KeyType::S));
    let whole = item(&[("p", text("a")), ("s", text("b")), ("v", text("c"))]);
    assert_eq!(
        key_attributes(&table, &whole),
        item(&[("p", text("a")), ("s", text("b"))])
    );
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()],
        1..6,
    )
}

proptest! {
    #[test]
    fn byte_order_is_key_order(
        (p1, s1, p2, s2) in (bytes(), bytes(), bytes(), bytes()),
        same_partition in any::<bool>(),
    ) {
        let p2 = if same_partition { p1.clone() } else { p2 };
        let table = schema(KeyType::B, Some(KeyType::B));
        let key = |p: &Vec<u8>, s: &Vec<u8>| key_of_item(&table, &item(&[
            ("p", AttributeValue::B(p.clone())),
            ("s", AttributeValue::B(s.clone())),
        ])).unwrap();
        let (a, b) = (key(&p1, &s1), key(&p2, &s2));
        let expected = (&p1, &s1).cmp(&(&p2, &s2));
        prop_assert_eq!(a.cmp(&b), expected);
        prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), expected);
        prop_assert_eq!(a.partition.starts_with(&b.partition), p1 == p2);
    }

    #[test]
    fn numbers_sort_by_value(p in any::<i64>(), s1 in any::<i32>(), s2 in any::<i32>(), digits in 0_u32..6) {
        let table = schema(KeyType::N, Some(KeyType::N));
        let number = |value: i64| AttributeValue::N(Number::parse(&format!("{value}e-{digits}")).unwrap());
        let key = |s: i32| key_of_item(&table, &item(&[("p", number(p)), ("s", number(s.into()))])).unwrap();
        prop_assert_eq!(key(s1).to_bytes().cmp(&key(s2).to_bytes()), s1.cmp(&s2));
    }
}
