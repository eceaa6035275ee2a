//! Whether an answer holds what a case expects, and where it does not.
//!
//! An object must hold at least the expected members, a list exactly the expected ones. Some texts mean more than themselves:
//! `$any` is any value, `$absent` says that there is no such member, `$starts TEXT` and `$decimals N` look at a text, and a list that begins
//! with `$set` may have any order.

use serde_json::Value;

/// Checks an answer.
///
/// # Errors
/// The first place that differs, as a path, and how.
pub(super) fn check(expected: &Value, actual: &Value) -> Result<(), String> {
    at("", expected, actual)
}

fn at(path: &str, expected: &Value, actual: &Value) -> Result<(), String> {
    let differs = || {
        let place = if path.is_empty() { "the answer" } else { path };
        Err(format!("{place} is {actual}, expected {expected}"))
    };
    match (expected, actual) {
        (Value::Object(members), Value::Object(found)) => {
            for (name, value) in members {
                let place = format!("{path}/{name}");
                match (value.as_str(), found.get(name)) {
                    (Some("$absent"), None) => {}
                    (Some("$absent"), Some(found)) => {
                        return Err(format!("{place} is {found}, expected none"));
                    }
                    (_, Some(found)) => at(&place, value, found)?,
                    (_, None) => return Err(format!("{place} is missing, expected {value}")),
                }
            }
            Ok(())
        }
        (Value::Array(members), Value::Array(found)) => match members.split_first() {
            Some((first, members)) if first == "$set" => in_any_order(path, members, found),
            _ if members.len() == found.len() => {
                let mut pairs = members.iter().zip(found).enumerate();
                pairs.try_for_each(|(index, (one, other))| {
                    at(&format!("{path}/{index}"), one, other)
                })
            }
            _ => differs(),
        },
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => Ok(()),
        (Value::String(text), _) if matches(text, actual) => Ok(()),
        _ if expected == actual => Ok(()),
        _ => differs(),
    }
}

fn in_any_order(path: &str, members: &[Value], found: &[Value]) -> Result<(), String> {
    let mut left: Vec<&Value> = found.iter().collect();
    for member in members {
        let Some(place) = left.iter().position(|value| check(member, value).is_ok()) else {
            return Err(format!("{path} does not hold {member}: {found:?}"));
        };
        left.swap_remove(place);
    }
    match left.first() {
        None => Ok(()),
        Some(unexpected) => Err(format!("{path} also holds {unexpected}")),
    }
}

/// Whether a text with a meaning fits.
fn matches(text: &str, actual: &Value) -> bool {
    if text == "$any" {
        return true;
    }
    let Some(actual) = actual.as_str() else {
        return false;
    };
    if let Some(start) = text.strip_prefix("$starts ") {
        return actual.starts_with(start);
    }
    if let Some(count) = text.strip_prefix("$decimals ") {
        let decimals = actual
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        return count.parse() == Ok(decimals);
    }
    text == actual
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_hold_at_least_and_lists_exactly() {
        assert_eq!(check(&json!({"a": 1}), &json!({"a": 1.0, "b": 2})), Ok(()));
        assert_eq!(check(&json!(["$set", 1, 2]), &json!([2, 1])), Ok(()));
        assert_eq!(
            check(&json!({"a": "$any", "b": "$absent"}), &json!({"a": []})),
            Ok(())
        );
        assert_eq!(
            check(&json!({"t": "$decimals 6"}), &json!({"t": "12.000001"})),
            Ok(())
        );
        assert_eq!(check(&json!("$starts ab"), &json!("abc")), Ok(()));
    }

    #[test]
    fn what_differs_is_named_by_its_place() {
        let told =
            |expected: Value, actual: Value| check(&expected, &actual).expect_err("it differs");
        assert_eq!(
            told(json!({"a": {"b": 1}}), json!({"a": {"b": 2}})),
            "/a/b is 2, expected 1"
        );
        assert_eq!(
            told(json!({"a": 1}), json!({})),
            "/a is missing, expected 1"
        );
        assert_eq!(
            told(json!({"a": "$absent"}), json!({"a": 0})),
            "/a is 0, expected none"
        );
        assert_eq!(
            told(json!([1]), json!([1, 2])),
            "the answer is [1,2], expected [1]"
        );
        assert_eq!(
            told(json!({"l": ["$set", 1]}), json!({"l": [1, 2]})),
            "/l also holds 2"
        );
        assert!(
            told(json!({"l": ["$set", 3]}), json!({"l": [1]})).starts_with("/l does not hold 3")
        );
        assert!(check(&json!("$decimals 6"), &json!("12.1")).is_err());
        assert!(check(&json!("$starts ab"), &json!(1)).is_err());
    }
}
