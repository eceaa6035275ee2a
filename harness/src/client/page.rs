//! One page of a scan: what a load asks. Copies of a whole table, as tests record them, are something else.

use std::borrow::Cow;

use bytes::Bytes;
use checker::history::{Key, Op, Strength};
use serde::Deserialize;

use super::{Client, Dialect, HttpClient, Request, Way, connection::Answer, dynamodb, errors};

/// Asks for so many items after this one. The item itself need not be there.
pub(super) fn request(after: Key, items: u64, dialect: &Dialect) -> Request {
    let body = format!(
        "{{\"TableName\":\"{}\",\"Limit\":{items},\"ExclusiveStartKey\":{{\"{}\":{{\"S\":\"k{}\"}}}}}}",
        dialect.table,
        dynamodb::HASH_KEY,
        after.0
    );
    Request {
        operation: "Scan",
        body: Bytes::from(body),
    }
}

/// What is looked at of an answer.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "Count")]
    count: u64,
    #[serde(borrow, rename = "Items")]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    pk: Text<'a>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, rename = "S")]
    text: Cow<'a, str>,
}

/// The code of an answer that is no page of at most so many items.
fn code(answer: &Answer, after: Key, items: u64, dialect: &Dialect) -> Option<&'static str> {
    if answer.status != 200 {
        // Whatever is asked, it is refused in the same words: as a read would be.
        let read = Op::Read {
            key: after,
            strength: Strength::Eventual,
        };
        return errors::of(&dynamodb::outcome(&read, answer, dialect, &|_key| 0));
    }
    let page = serde_json::from_slice::<Page<'_>>(&answer.body).ok();
    let is_page = page.is_some_and(|page| {
        let is_ours = |item: &Item<'_>| item.pk.text.starts_with('k');
        page.count == page.items.len() as u64
            && page.count <= items
            && page.items.iter().all(is_ours)
    });
    (!is_page).then_some(errors::BAD_REPLY)
}

impl Client {
    /// Reads one page of a scan; the error code if there is none.
    pub(crate) async fn page(&mut self, after: Key, items: u64) -> Option<&'static str> {
        match &mut self.0 {
            Way::Http(client) => client.page(after, items).await,
            Way::Adapter(_) => unreachable!("loads do not go through adapters"),
        }
    }
}

impl HttpClient {
    async fn page(&mut self, after: Key, items: u64) -> Option<&'static str> {
        let request = request(after, items, &self.dialect);
        match self.exchange(request).await {
            Ok(answer) => code(&answer, after, items, &self.dialect),
            Err(code) => {
                self.connection.close();
                Some(code)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::FailedCondition;

    #[test]
    fn a_page_is_asked_for_and_looked_at() {
        let dialect = Dialect {
            table: "t".into(),
            regions: vec!["a".into()],
            failed_condition: FailedCondition::ProvesAbsence,
            forgery: std::sync::Arc::default(),
            lifetimes: crate::client::Lifetimes::default(),
        };
        let asked = request(Key(7), 3, &dialect);
        insta::assert_snapshot!(String::from_utf8_lossy(&asked.body), @r#"{"TableName":"t","Limit":3,"ExclusiveStartKey":{"pk":{"S":"k7"}}}"#);
        let told = |status, body: &'static str| {
            let body = Bytes::from_static(body.as_bytes());
            code(&Answer { status, body }, Key(7), 1, &dialect)
        };
        assert_eq!(
            told(200, r#"{"Count":0,"Items":[],"ScannedCount":0}"#),
            None
        );
        let one = r#"{"Count":1,"Items":[{"pk":{"S":"k8"},"v":{"N":"5"}}],"LastEvaluatedKey":{"pk":{"S":"k8"}}}"#;
        assert_eq!(told(200, one), None);
        let bad = Some(errors::BAD_REPLY);
        assert_eq!(told(200, r#"{"Count":2,"Items":[]}"#), bad);
        assert_eq!(told(200, r#"{"Count":1,"Items":[{"pk":{"S":"x"}}]}"#), bad);
        assert_eq!(
            told(
                200,
                r#"{"Count":2,"Items":[{"pk":{"S":"k1"}},{"pk":{"S":"k2"}}]}"#
            ),
            bad,
            "more than were asked for"
        );
        let refused = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#;
        assert_eq!(told(400, refused), Some("ResourceNotFoundException"));
    }
}
