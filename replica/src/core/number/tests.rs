//! Numbers: texts, range, order.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use proptest::prelude::*;

use super::Number;

fn shown(text: &str) -> String {
    match Number::parse(text) {
        Ok(number) => number.to_string(),
        Err(error) => error.message,
    }
}

#[test]
fn canonical_text_is_plain_decimal() {
    for (given, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.000e5", "0"),
        ("007", "7"),
        ("+1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-12.5e3", "-12500"),
        ("1e-3", "0.001"),
        ("100e-2", "1"),
        ("123456e-3", "123.456"),
        ("1E20", "100000000000000000000"),
        ("1000000000000000000000", "1000000000000000000000"),
        ("1519085870.846001", "1519085870.846001"),
    ] {
        assert_eq!(shown(given), expected, "{given}");
    }
}

#[test]
fn the_range_is_that_of_aws() {
    let nines = "9".repeat(38);
    assert_eq!(shown(&nines), nines);
    assert_eq!(shown(&format!("{nines}e88")).len(), 126);
    assert_eq!(shown("1e-130").len(), 132);
    insta::assert_snapshot!(shown("1e126"), @"Number overflow. Attempting to store a number with magnitude larger than supported range");
    insta::assert_snapshot!(shown("-1e999999999999999999999"), @"Number overflow. Attempting to store a number with magnitude larger than supported range");
    insta::assert_snapshot!(shown("1e-131"), @"Number underflow. Attempting to store a number with magnitude smaller than supported range");
    insta::assert_snapshot!(shown(&format!("{nines}.9")), @"Attempting to store more than 38 significant digits in a Number");
    insta::assert_snapshot!(shown(""), @"The parameter cannot be converted to a numeric value");
    insta::assert_snapshot!(shown("1x"), @"The parameter cannot be converted to a numeric value: 1x");
    for text in [
        "-", ".", "e5", "1e", "1e+", "1.2.3", "--1", " 1", "NaN", "0x1", "１",
    ] {
        assert!(shown(text).contains("cannot be converted"), "{text}");
    }
}

#[test]
fn arithmetic_is_exact_and_ranged() {
    let number = |text| Number::parse(text).unwrap();
    assert_eq!(number("0.1").add(&number("0.2")).unwrap(), number("0.3"));
    assert_eq!(number("1").subtract(&number("1.0")).unwrap(), number("0"));
    insta::assert_snapshot!(
        number("1e100").add(&number("1")).unwrap_err().message,
        @"Attempting to store more than 38 significant digits in a Number"
    );
    insta::assert_snapshot!(
        number("9e125").add(&number("9e125")).unwrap_err().message,
        @"Number overflow. Attempting to store a number with magnitude larger than supported range"
    );
}

prop_compose! {
    fn number_text()(
        sign in prop_oneof![Just(""), Just("-")],
        whole in "[0-9]{1,19}",
        fraction in "[0-9]{0,19}",
        exponent in prop_oneof![-6_i32..6, -110_i32..107],
    ) -> String {
        format!("{sign}{whole}.{fraction}e{exponent}")
    }
}

proptest! {
    #[test]
    fn order_is_that_of_the_value(left in number_text(), right in number_text()) {
        let (a, b) = (Number::parse(&left).unwrap(), Number::parse(&right).unwrap());
        let expected = BigDecimal::from_str(&left).unwrap().cmp(&BigDecimal::from_str(&right).unwrap());
        prop_assert_eq!(a.cmp(&b), expected);
        prop_assert_eq!(a.sort_key().cmp(&b.sort_key()), expected);
        prop_assert_eq!(a == b, expected.is_eq());
    }

    #[test]
    fn canonical_text_keeps_the_value_and_is_stable(text in number_text()) {
        let number = Number::parse(&text).unwrap();
        prop_assert_eq!(
            BigDecimal::from_str(number.as_str()).unwrap(),
            BigDecimal::from_str(&text).unwrap()
        );
        prop_assert_eq!(&Number::parse(number.as_str()).unwrap(), &number);
    }

    #[test]
    fn any_text_is_a_number_or_refused(text in "\\PC{0,60}") {
        let _ = Number::parse(&text);
    }
}
