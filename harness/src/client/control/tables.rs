//! The table of a run: how it is made in every region, and how it is removed.
//!
//! It is made on demand (`PAY_PER_REQUEST`), so that it costs what is asked of it and nothing while it stays. A stream is asked for only where
//! something needs one: not every server has them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Control, ControlError, global_state};
use crate::client::{
    Endpoint,
    dynamodb::{EXPIRY, HASH_KEY},
};

/// How long tables may take to become active.
const LIMIT: Duration = Duration::from_secs(120);

/// How long the copies of a table may take, and the end of whatever else is done to it: AWS takes minutes.
const REPLICA_LIMIT: Duration = Duration::from_secs(600);

/// The refusals of what is there already.
const TABLE_EXISTS: &str = "ResourceInUseException";
const GLOBAL_TABLE_EXISTS: &str = "GlobalTableAlreadyExistsException";

/// The refusals of what is not there.
const NO_TABLE: &str = "ResourceNotFoundException";

/// The same of either version.
const NOT_THERE: [&str; 2] = [NO_TABLE, "GlobalTableNotFoundException"];

/// How servers that know no tags, or not while a table is made, refuse them.
const NO_TAGS: [&str; 3] = [
    "ValidationException",
    "SerializationException",
    "UnknownOperationException",
];

/// What table is made, and how its copies are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// A table in one region.
    Single,
    /// A table in every region, joined by `CreateGlobalTable`.
    Version2017,
    /// A table in the first region, and replicas of it in the others.
    Version2019,
    /// A table in the first region; the store itself brings it to the others.
    ByItself,
}

/// One table, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableSpec {
    /// Its name in every region.
    pub(crate) name: String,
    /// What of it is made where.
    pub(crate) tables: Tables,
    /// Whether somebody reads its stream.
    pub(crate) has_stream: bool,
    /// Whether its items expire.
    pub(crate) has_expiry: bool,
    /// Names and values that whoever pays can look for; none where nobody would.
    pub(crate) tags: Vec<(String, String)>,
}

impl TableSpec {
    /// A table without tags.
    pub(crate) fn plain(name: &str, tables: Tables) -> Self {
        Self {
            name: name.to_owned(),
            tables,
            has_stream: false,
            has_expiry: false,
            tags: Vec::new(),
        }
    }

    /// Members of global tables must have a stream.
    fn definition(&self) -> Value {
        let mut definition = json!({
            "TableName": self.name,
            "AttributeDefinitions": [{ "AttributeName": HASH_KEY, "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": HASH_KEY, "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let is_member = matches!(self.tables, Tables::Version2017 | Tables::Version2019);
        if self.has_stream || is_member {
            definition["StreamSpecification"] =
                json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
        }
        definition
    }

    fn tags(&self) -> Value {
        let tags = self.tags.iter();
        tags.map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect()
    }
}

/// Makes the table; returns when all copies are active, with what to be careful about.
pub(crate) async fn create_tables(
    endpoints: &[Endpoint],
    spec: &TableSpec,
) -> Result<Vec<String>, ControlError> {
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    let mut warnings = Vec::new();
    match spec.tables {
        Tables::Single => {
            assert_eq!(regions.len(), 1, "several regions share a table");
            create(&mut regions[0], spec, &mut warnings).await?;
            regions[0].wait_for_table(&spec.name, LIMIT).await?;
        }
        Tables::Version2017 => join(&mut regions, spec, &[], &mut warnings).await?,
        Tables::Version2019 => replicate(&mut regions, spec, &mut warnings).await?,
        Tables::ByItself => {
            create(&mut regions[0], spec, &mut warnings).await?;
            for region in &mut regions {
                region.wait_for_table(&spec.name, LIMIT).await?;
            }
        }
    }
    if spec.has_expiry {
        expire(&mut regions, spec).await?;
    }
    Ok(warnings)
}

/// Lets items expire. The tables of version 2017.11.29 are told one by one: each expires its items by itself.
async fn expire(regions: &mut [Control], spec: &TableSpec) -> Result<(), ControlError> {
    let told = match spec.tables {
        Tables::Version2017 => regions.len(),
        Tables::Single | Tables::Version2019 | Tables::ByItself => 1,
    };
    let setting = json!({ "Enabled": true, "AttributeName": EXPIRY });
    let change = json!({ "TableName": spec.name, "TimeToLiveSpecification": setting });
    for region in &mut regions[..told] {
        region
            .call_when_free("UpdateTimeToLive", &change, LIMIT)
            .await?;
    }
    Ok(())
}

/// Makes what is not there yet: a table and a global table of version 2017.11.29 that exist already are taken as they are. One region elsewhere
/// gets a table alone: many servers know no global tables.
pub(crate) async fn ensure_tables(endpoints: &[Endpoint], table: &str) -> Result<(), ControlError> {
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    let mut untagged = Vec::new();
    if let [region] = regions.as_mut_slice() {
        let spec = TableSpec::plain(table, Tables::Single);
        let created = create(region, &spec, &mut untagged).await;
        unless(&[TABLE_EXISTS], created)?;
        return region.wait_for_table(table, LIMIT).await;
    }
    let spec = TableSpec::plain(table, Tables::Version2017);
    let there_already = [TABLE_EXISTS, GLOBAL_TABLE_EXISTS];
    join(&mut regions, &spec, &there_already, &mut untagged).await
}

/// Makes it in one region: without its tags, rather than not at all.
async fn create(
    region: &mut Control,
    spec: &TableSpec,
    warnings: &mut Vec<String>,
) -> Result<Value, ControlError> {
    let plain = spec.definition();
    if spec.tags.is_empty() {
        return region.call("CreateTable", &plain).await;
    }
    let mut tagged = plain.clone();
    tagged["Tags"] = spec.tags();
    match region.call("CreateTable", &tagged).await {
        Err(refusal) if refusal.is_refusal(&NO_TAGS) => {
            let created = region.call("CreateTable", &plain).await?;
            warnings.push(untagged(spec, region, &refusal));
            Ok(created)
        }
        created => created,
    }
}

fn untagged(spec: &TableSpec, region: &Control, refusal: &ControlError) -> String {
    let (table, region) = (&spec.name, &region.region);
    format!("the table {table} in {region} has no tags: {refusal}")
}

/// Success, if this was refused for one of these reasons.
fn unless(taken_as_done: &[&str], called: Result<Value, ControlError>) -> Result<(), ControlError> {
    match called {
        Err(error) if error.is_refusal(taken_as_done) => Ok(()),
        Ok(_) => Ok(()),
        Err(other) => Err(other),
    }
}

async fn join(
    regions: &mut [Control],
    spec: &TableSpec,
    taken_as_done: &[&str],
    warnings: &mut Vec<String>,
) -> Result<(), ControlError> {
    for region in regions.iter_mut() {
        unless(taken_as_done, create(region, spec, warnings).await)?;
    }
    for region in regions.iter_mut() {
        region.wait_for_table(&spec.name, LIMIT).await?;
    }
    let group: Vec<Value> = regions
        .iter()
        .map(|region| json!({ "RegionName": region.region }))
        .collect();
    let definition = json!({ "GlobalTableName": spec.name, "ReplicationGroup": group });
    unless(
        taken_as_done,
        regions[0].call("CreateGlobalTable", &definition).await,
    )?;
    let name = json!({ "GlobalTableName": spec.name });
    for region in regions {
        region
            .wait_until_active("DescribeGlobalTable", name.clone(), global_state, LIMIT)
            .await?;
    }
    Ok(())
}

/// One replica after the other: AWS refuses a second change while the first is under way.
async fn replicate(
    regions: &mut [Control],
    spec: &TableSpec,
    warnings: &mut Vec<String>,
) -> Result<(), ControlError> {
    let (first, others) = regions.split_first_mut().expect("there is a region");
    create(first, spec, warnings).await?;
    first.wait_for_table(&spec.name, LIMIT).await?;
    for other in others {
        create_replica(first, &other.region, spec).await?;
        first.wait_for_table(&spec.name, REPLICA_LIMIT).await?;
        other.wait_for_table(&spec.name, REPLICA_LIMIT).await?;
        // Where the first has none, this one would have none either; it has been said once.
        if warnings.is_empty() && !spec.tags.is_empty() {
            tag(other, spec, warnings).await;
        }
    }
    Ok(())
}

async fn create_replica(
    first: &mut Control,
    region: &str,
    spec: &TableSpec,
) -> Result<(), ControlError> {
    let update = json!({ "Create": { "RegionName": region } });
    let change = json!({ "TableName": spec.name, "ReplicaUpdates": [update] });
    let called = first.call_when_free("UpdateTable", &change, REPLICA_LIMIT);
    called.await.map(drop)
}

/// Replicas do not get the tags of the table that they were made from.
async fn tag(region: &mut Control, spec: &TableSpec, warnings: &mut Vec<String>) {
    let name = json!({ "TableName": spec.name });
    let tagged = match region.call("DescribeTable", &name).await {
        Ok(described) => {
            let arn = &described["Table"]["TableArn"];
            // Whoever gives out no names for resources keeps no tags by them.
            if !arn.is_string() {
                return;
            }
            let tags = json!({ "ResourceArn": arn, "Tags": spec.tags() });
            region.call("TagResource", &tags).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = tagged {
        warnings.push(untagged(spec, region, &error));
    }
}

/// A change of a table's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaChange {
    /// A region more.
    Create,
    /// A region less.
    Delete,
}

/// Asks this region to change the replicas of a global table of version 2019.11.21. It may be under way when it is answered, and when it is not.
pub(crate) async fn change_replica(
    asked: Endpoint,
    table: &str,
    (change, region): (ReplicaChange, &str),
    limit: Duration,
) -> Result<(), ControlError> {
    let change = match change {
        ReplicaChange::Create => "Create",
        ReplicaChange::Delete => "Delete",
    };
    let update = json!({ change: { "RegionName": region } });
    let body = json!({ "TableName": table, "ReplicaUpdates": [update] });
    let mut asked = Control {
        timeout: limit,
        ..Control::new(asked)
    };
    asked.call("UpdateTable", &body).await.map(drop)
}

/// Makes a table of several regions, whatever of it is there already.
pub(crate) async fn complete_tables(
    endpoints: &[Endpoint],
    spec: &TableSpec,
) -> Result<(), ControlError> {
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    let mut untagged = Vec::new();
    if spec.tables != Tables::Version2019 {
        let there_already = [TABLE_EXISTS, GLOBAL_TABLE_EXISTS];
        return join(&mut regions, spec, &there_already, &mut untagged).await;
    }
    let (first, others) = regions.split_first_mut().expect("there is a region");
    unless(&[TABLE_EXISTS], create(first, spec, &mut untagged).await)?;
    first.wait_for_table(&spec.name, REPLICA_LIMIT).await?;
    for other in others {
        add_replica(first, other, spec).await?;
    }
    Ok(())
}

/// Adds a region to a table of version 2019.11.21, unless it is in it.
async fn add_replica(
    first: &mut Control,
    other: &mut Control,
    spec: &TableSpec,
) -> Result<(), ControlError> {
    let name = json!({ "TableName": spec.name });
    let described = first.call("DescribeTable", &name).await?;
    if !has_replica(&described, &other.region) {
        create_replica(first, &other.region, spec).await?;
    }
    first.wait_for_table(&spec.name, REPLICA_LIMIT).await?;
    other.wait_for_table(&spec.name, REPLICA_LIMIT).await
}

/// Adds a region to a table that holds data.
///
/// # Errors
/// When it is not known to have been added; asking again does no harm.
pub(crate) async fn join_table(
    endpoints: &[Endpoint],
    spec: &TableSpec,
    region: usize,
) -> Result<(), ControlError> {
    let [mut first, mut other] = [0, region].map(|index| Control::new(endpoints[index].clone()));
    add_replica(&mut first, &mut other, spec).await
}

/// Removes a region from a table, and sees to it that every region says so.
///
/// # Errors
/// When they do not say so yet; asking again does no harm.
pub(crate) async fn leave_table(
    endpoints: &[Endpoint],
    spec: &TableSpec,
    region: usize,
) -> Result<(), ControlError> {
    let leaver = endpoints[region].region.as_str();
    let (describe, update, key) = match spec.tables {
        Tables::Version2017 => (
            "DescribeGlobalTable",
            "UpdateGlobalTable",
            "GlobalTableName",
        ),
        Tables::Single | Tables::Version2019 | Tables::ByItself => {
            ("DescribeTable", "UpdateTable", "TableName")
        }
    };
    let name = json!({ key: spec.name });
    for (index, endpoint) in endpoints.iter().enumerate() {
        let mut asked = Control::new(endpoint.clone());
        let described = asked.call(describe, &name).await;
        let is_there = match described {
            Err(error) if index == region && error.is_refusal(&NOT_THERE) => false,
            Err(error) => return Err(error),
            Ok(described) => is_member(&described, leaver) || (index == region && is_alone(spec)),
        };
        if !is_there {
            continue;
        }
        // The first is asked to do it; the others have to hear of it.
        if index == 0 {
            let leaves = json!({ "Delete": { "RegionName": leaver } });
            let change = json!({ key: spec.name, "ReplicaUpdates": [leaves] });
            asked.call_when_free(update, &change, REPLICA_LIMIT).await?;
        }
        let region = asked.region;
        let with = leaver.to_owned();
        return Err(ControlError::StillShared { region, with });
    }
    Ok(())
}

/// Whether a region that has left has no table any more.
fn is_alone(spec: &TableSpec) -> bool {
    spec.tables == Tables::Version2019
}

/// Whether a description of either version names a region among the replicas.
fn is_member(described: &Value, region: &str) -> bool {
    let group = described["GlobalTableDescription"]["ReplicationGroup"].as_array();
    let mut group = group.into_iter().flatten();
    group.any(|replica| replica["RegionName"] == region) || has_replica(described, region)
}

/// Removes the table from every region, as far as that can be done; says what is left, and why.
pub(crate) async fn remove_tables(endpoints: &[Endpoint], spec: &TableSpec) -> Vec<String> {
    let mut left = Vec::new();
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    if spec.tables == Tables::Version2019
        && let Some((first, others)) = regions.split_first_mut()
    {
        for other in others {
            let removed = remove_replica(first, &other.region, &spec.name).await;
            let kept = removed.err();
            left.extend(kept.map(|error| stays(&spec.name, &other.region, &error)));
        }
    }
    if spec.tables == Tables::Version2017 {
        dissolve(&mut regions, spec).await;
    }
    if matches!(spec.tables, Tables::Version2019 | Tables::ByItself) {
        regions.truncate(1);
    }
    for region in &mut regions {
        let name = json!({ "TableName": spec.name });
        let removed = region
            .call_when_free("DeleteTable", &name, REPLICA_LIMIT)
            .await;
        match removed {
            Ok(_) => {}
            // Never made, or gone already.
            Err(error) if error.is_refusal(&[NO_TABLE]) => {}
            Err(error) => left.push(stays(&spec.name, &region.region, &error)),
        }
    }
    left
}

/// Removes every region from a global table of version 2017.11.29, as far as it is there; the deleting of its tables says what is left.
async fn dissolve(regions: &mut [Control], spec: &TableSpec) {
    let names: Vec<String> = regions.iter().map(|one| one.region.clone()).collect();
    for name in names.iter().rev() {
        let update = json!([{ "Delete": { "RegionName": name } }]);
        let change = json!({ "GlobalTableName": spec.name, "ReplicaUpdates": update });
        let removed = regions[0].call("UpdateGlobalTable", &change).await;
        if let Err(error) = removed {
            tracing::debug!(%error, table = spec.name, region = name, "not removed");
        }
    }
}

async fn remove_replica(
    first: &mut Control,
    region: &str,
    table: &str,
) -> Result<(), ControlError> {
    let name = json!({ "TableName": table });
    // While nobody can say what there is, it is tried.
    let is_there = match first.call("DescribeTable", &name).await {
        Ok(described) => has_replica(&described, region),
        Err(error) if error.is_refusal(&[NO_TABLE]) => false,
        Err(_) => true,
    };
    if !is_there {
        return Ok(());
    }
    let update = json!({ "Delete": { "RegionName": region } });
    let change = json!({ "TableName": table, "ReplicaUpdates": [update] });
    first
        .call_when_free("UpdateTable", &change, REPLICA_LIMIT)
        .await?;
    first.wait_for_table(table, REPLICA_LIMIT).await
}

fn has_replica(described: &Value, region: &str) -> bool {
    let replicas = described["Table"]["Replicas"].as_array();
    let mut replicas = replicas.into_iter().flatten();
    replicas.any(|replica| replica["RegionName"] == region)
}

fn stays(table: &str, region: &str, error: &ControlError) -> String {
    format!(
        "the table {table} stays in {region}: {error}; remove it by hand: aws dynamodb delete-table --region {region} --table-name {table}"
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        time::Duration,
    };

    use super::*;
    use crate::client::Credentials;

    /// A region that gives these answers, one after the other, and tells what it was asked.
    fn region(answers: Vec<(u16, &'static str)>) -> (Endpoint, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let serving = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut reader = BufReader::new(&stream);
            let mut asked = String::new();
            for (status, body) in answers {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("readable");
                    let line = line.trim().to_ascii_lowercase();
                    if let Some(text) = line.strip_prefix("content-length: ") {
                        length = text.parse().expect("a number");
                    }
                    if let Some(target) = line.strip_prefix("x-amz-target: dynamodb_20120810.") {
                        asked += &format!("{target} ");
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut request = vec![0; length];
                reader.read_exact(&mut request).expect("a body");
                asked += &format!("{}\n", String::from_utf8_lossy(&request));
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                (&stream)
                    .write_all((head + body).as_bytes())
                    .expect("writable");
            }
            asked
        });
        let endpoint = Endpoint {
            address,
            host: address.to_string(),
            tls: None,
            streams: None,
            region: "a".to_owned(),
            credentials: Credentials::fixed("a", "b"),
            timeout: Duration::from_secs(10),
        };
        (endpoint, serving)
    }

    fn tagged(tables: Tables) -> TableSpec {
        TableSpec {
            tags: vec![("team".to_owned(), "storage".to_owned())],
            ..TableSpec::plain("t", tables)
        }
    }

    const ACTIVE: &str = r#"{"Table":{"TableStatus":"ACTIVE","TableArn":"arn:t"}}"#;
    const NO_TAGS_HERE: &str = r#"{"__type":"x#ValidationException","message":"Tags?"}"#;

    #[tokio::test]
    async fn a_table_has_tags_unless_the_server_knows_none() {
        let (endpoint, serving) = region(vec![(200, "{}"), (200, ACTIVE)]);
        let warnings = create_tables(&[endpoint], &tagged(Tables::Single)).await;
        assert_eq!(warnings.expect("made"), Vec::<String>::new());
        let asked = serving.join().expect("it ended");
        assert!(
            asked.contains(r#""Tags":[{"Key":"team","Value":"storage"}]"#),
            "{asked}"
        );
        assert!(asked.contains("PAY_PER_REQUEST"), "{asked}");

        let (endpoint, serving) = region(vec![(400, NO_TAGS_HERE), (200, "{}"), (200, ACTIVE)]);
        let warnings = create_tables(&[endpoint], &tagged(Tables::Single)).await;
        let warnings = warnings.expect("made without");
        assert!(
            warnings[0].contains("the table t in a has no tags"),
            "{warnings:?}"
        );
        let asked = serving.join().expect("it ended");
        assert_eq!(asked.matches("Tags").count(), 1, "{asked}");
    }

    #[tokio::test]
    async fn a_replica_gets_the_tags_of_its_own() {
        let (endpoint, serving) = region(vec![(200, ACTIVE), (200, "")]);
        let mut warnings = Vec::new();
        let mut control = Control::new(endpoint);
        tag(&mut control, &tagged(Tables::Version2019), &mut warnings).await;
        assert_eq!(warnings, Vec::<String>::new());
        let asked = serving.join().expect("it ended");
        assert!(asked.contains("tagresource "), "{asked}");
        assert!(asked.contains(r#""ResourceArn":"arn:t""#), "{asked}");
    }

    #[tokio::test]
    async fn a_table_that_is_being_changed_is_removed_once_it_is_not() {
        let busy = r#"{"__type":"x#ResourceInUseException"}"#;
        let (endpoint, serving) = region(vec![(400, busy), (400, busy), (200, "{}")]);
        let spec = TableSpec::plain("t", Tables::Single);
        let left = remove_tables(&[endpoint], &spec).await;
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(
            serving
                .join()
                .expect("it ended")
                .matches("deletetable")
                .count(),
            3
        );

        let kept = r#"{"__type":"x#ValidationException","message":"acted as a source region"}"#;
        let (endpoint, _serving) = region(vec![(400, kept)]);
        let left = remove_tables(&[endpoint], &spec).await;
        assert!(left[0].contains("acted as a source region"), "{left:?}");
        let line = "aws dynamodb delete-table --region a --table-name t";
        assert!(left[0].ends_with(line), "{left:?}");
    }

    #[tokio::test]
    async fn a_refusal_that_will_not_pass_is_told_at_once() {
        let denied = r#"{"__type":"x#AccessDeniedException","message":"not yours"}"#;
        let (endpoint, _serving) = region(vec![(200, "{}"), (400, denied)]);
        let spec = TableSpec::plain("t", Tables::Single);
        let refused = create_tables(&[endpoint], &spec).await.expect_err("denied");
        assert!(refused.to_string().contains("not yours"), "{refused}");
    }

    #[test]
    fn a_stream_is_asked_for_where_one_is_needed() {
        let has_stream = |spec: &TableSpec| !spec.definition()["StreamSpecification"].is_null();
        for (tables, expected) in [
            (Tables::Single, false),
            (Tables::ByItself, false),
            (Tables::Version2017, true),
            (Tables::Version2019, true),
        ] {
            let spec = TableSpec::plain("t", tables);
            assert_eq!(has_stream(&spec), expected, "{tables:?}");
            let read = TableSpec {
                has_stream: true,
                ..spec
            };
            assert!(has_stream(&read), "{tables:?}");
        }
    }

    #[test]
    fn a_replica_is_removed_where_there_is_one() {
        let described = json!({ "Table": { "Replicas": [{ "RegionName": "b" }] } });
        assert!(has_replica(&described, "b"));
        assert!(!has_replica(&described, "a"));
        assert!(!has_replica(&json!({ "Table": {} }), "b"));
    }
}
