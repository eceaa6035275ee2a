//! The codec: what is read, what is refused and in which words, what is written.

use proptest::prelude::*;

use super::{crc32, parse, render, render_error, request_id};
use crate::core::{
    ApiError, AttributeValue, Billing, Capacity, ErrorKind, GlobalRequest, GlobalTableDescription,
    GlobalTableStatus, Item, Number, Region, Request, Response, StreamView, TableDescription,
    TableStatus,
};

const JSON: Option<&str> = Some("application/x-amz-json-1.0");

fn read(operation: &str, body: &str) -> Result<Request, ApiError> {
    parse(
        Some(&format!("DynamoDB_20120810.{operation}")),
        JSON,
        body.as_bytes(),
    )
}

fn refusal(operation: &str, body: &str) -> String {
    let error = read(operation, body).expect_err(body);
    format!("{:?}: {}", error.kind, error.message)
}

/// `PutItem` of one attribute.
fn put_refusal(value: &str) -> String {
    refusal(
        "PutItem",
        &format!(r#"{{"TableName":"table","Item":{{"a":{value}}}}}"#),
    )
}

#[test]
fn a_put_with_everything() {
    let request = read(
        "PutItem",
        r##"{"TableName":"table","Item":{"id":{"S":"k\n"},"n":{"N":"1.50"},"l":{"L":[{"BOOL":true},{"NULL":true}]},"b":{"B":"AQI="},"ns":{"NS":["10","9"]}},
            "ConditionExpression":"attribute_not_exists(#i) OR n < :n","ExpressionAttributeNames":{"#i":"id"},"ExpressionAttributeValues":{":n":{"N":"2"}},
            "ReturnValues":"ALL_OLD","ReturnValuesOnConditionCheckFailure":"ALL_OLD","ReturnConsumedCapacity":"TOTAL","Unknown":[{"a":1}]}"##,
    )
    .unwrap();
    let Request::PutItem(put) = request else {
        panic!("{request:?}")
    };
    assert_eq!(
        put.item["n"],
        AttributeValue::N(Number::parse("1.5").unwrap())
    );
    assert_eq!(put.item["id"], AttributeValue::S("k\n".to_owned()));
    let smaller: Item = [
        ("id".to_owned(), AttributeValue::Null),
        ("n".to_owned(), AttributeValue::N(Number::from(1))),
    ]
    .into();
    let condition = put.options.condition.unwrap();
    assert!(condition.evaluate(Some(&smaller)).unwrap());
    assert!(condition.evaluate(None).unwrap());
    assert!(put.options.return_old_on_failure);
}

#[test]
fn protocol_refusals() {
    let kind = |target, media, body: &[u8]| parse(target, media, body).unwrap_err().kind;
    let put = Some("DynamoDB_20120810.PutItem");
    assert_eq!(
        kind(put, Some("text/plain"), b"{}"),
        ErrorKind::UnknownContentType
    );
    assert_eq!(
        kind(put, Some("application/x-amz-json-1.1"), b"{}"),
        ErrorKind::UnknownContentType
    );
    assert_eq!(kind(put, JSON, b"{"), ErrorKind::Serialization);
    assert_eq!(kind(put, JSON, b"\xff"), ErrorKind::Serialization);
    assert_eq!(kind(None, JSON, b"{}"), ErrorKind::UnknownOperation);
    assert_eq!(
        kind(Some("DynamoDB_20120810.Nope"), JSON, b"{}"),
        ErrorKind::UnknownOperation
    );
    assert_eq!(
        kind(put, Some("application/json; charset=utf-8"), b"{}"),
        ErrorKind::Validation
    );
}

#[test]
fn wrong_json_types() {
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":1}"#), @"Serialization: NUMBER_VALUE cannot be converted to String");
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":true}"#), @"Serialization: TRUE_VALUE cannot be converted to String");
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":1.5}"#), @"Serialization: DECIMAL_VALUE cannot be converted to String");
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":{}}"#), @"Serialization: Start of structure or map found where not expected");
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":[]}"#), @"Serialization: Unrecognized collection type class java.lang.String");
    insta::assert_snapshot!(refusal("PutItem", r#"{"Item":"a"}"#), @"Serialization: Unexpected field type");
    insta::assert_snapshot!(refusal("PutItem", r#"{"Item":[]}"#), @"Serialization: Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>");
    insta::assert_snapshot!(refusal("GetItem", r#"{"ConsistentRead":1}"#), @"Serialization: NUMBER_VALUE cannot be converted to Boolean");
    insta::assert_snapshot!(refusal("GetItem", r#"{"ConsistentRead":"maybe"}"#), @"Serialization: Unexpected token received from parser");
    insta::assert_snapshot!(refusal("ListTables", r#"{"Limit":"1"}"#), @"Serialization: STRING_VALUE cannot be converted to Long");
    insta::assert_snapshot!(put_refusal(r#""text""#), @"Serialization: Unexpected value type in payload");
    insta::assert_snapshot!(put_refusal(r#"{"S":1}"#), @"Serialization: NUMBER_VALUE cannot be converted to String");
    insta::assert_snapshot!(put_refusal(r#"{"N":1}"#), @"Serialization: NUMBER_VALUE cannot be converted to String");
    insta::assert_snapshot!(put_refusal(r#"{"B":"abc"}"#), @"Serialization: Base64 encoded length is expected a multiple of 4 bytes but found: 3");
    insta::assert_snapshot!(put_refusal(r#"{"B":"ab=="}"#), @"Serialization: Invalid last non-pad Base64 character dectected");
    insta::assert_snapshot!(put_refusal(r#"{"SS":"a"}"#), @"Serialization: Unexpected field type");
    insta::assert_snapshot!(refusal("PutItem", "[]"), @"Serialization: Unrecognized collection type");
}

#[test]
fn bad_values() {
    insta::assert_snapshot!(put_refusal("{}"), @"Validation: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    insta::assert_snapshot!(put_refusal(r#"{"S":"a","N":"1"}"#), @"Validation: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
    insta::assert_snapshot!(put_refusal(r#"{"N":"abc"}"#), @"Validation: The parameter cannot be converted to a numeric value: abc");
    insta::assert_snapshot!(put_refusal(r#"{"NULL":false}"#), @"Validation: One or more parameter values were invalid: Null attribute value types must have the value of true");
    insta::assert_snapshot!(put_refusal(r#"{"SS":[]}"#), @"Validation: One or more parameter values were invalid: An string set  may not be empty");
    insta::assert_snapshot!(put_refusal(r#"{"NS":[]}"#), @"Validation: One or more parameter values were invalid: An number set  may not be empty");
    insta::assert_snapshot!(put_refusal(r#"{"BS":[]}"#), @"Validation: One or more parameter values were invalid: Binary sets should not be empty");
    insta::assert_snapshot!(put_refusal(r#"{"SS":["a","b","a"]}"#), @"Validation: One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.");
    insta::assert_snapshot!(put_refusal(r#"{"NS":["1","1.0"]}"#), @"Validation: Input collection contains duplicates");
    insta::assert_snapshot!(put_refusal(r#"{"BS":["Yg==","Yg=="]}"#), @"Validation: One or more parameter values were invalid: Input collection [Yg==, Yg==]of type BS contains duplicates.");
    let nested = |levels| {
        format!(
            "{}{{\"S\":\"x\"}}{}",
            r#"{"L":["#.repeat(levels),
            "]}".repeat(levels)
        )
    };
    insta::assert_snapshot!(put_refusal(&nested(33)), @"Validation: Nesting Levels have exceeded supported limits");
    assert!(
        read(
            "PutItem",
            &format!(r#"{{"TableName":"table","Item":{{"a":{}}}}}"#, nested(32))
        )
        .is_ok()
    );
    let large = format!(r#"{{"S":"{}"}}"#, "x".repeat(409_600));
    insta::assert_snapshot!(put_refusal(&large), @"Validation: Item size has exceeded the maximum allowed size");
}

#[test]
fn constraints_are_told_together() {
    insta::assert_snapshot!(refusal("PutItem", "{}"), @"Validation: 2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null");
    insta::assert_snapshot!(refusal("PutItem", r#"{"TableName":"a!","ReturnConsumedCapacity":"x","ReturnValues":"y","Item":{}}"#), @"Validation: 4 validation errors detected: Value 'x' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3; Value 'y' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]");
    insta::assert_snapshot!(refusal("GetItem", r#"{"TableName":"abc","Key":{},"AttributesToGet":[]}"#), @"Validation: 1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1");
    insta::assert_snapshot!(refusal("ListTables", r#"{"Limit":0}"#), @"Validation: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1");
    insta::assert_snapshot!(refusal("ListTables", r#"{"Limit":101}"#), @"Validation: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100");
    insta::assert_snapshot!(refusal("DescribeTable", "{}"), @"Validation: The parameter 'TableName' is required but was not present in the request");
    insta::assert_snapshot!(refusal("DescribeTable", r#"{"TableName":"ab"}"#), @"Validation: TableName must be at least 3 characters long and at most 255 characters long");
    insta::assert_snapshot!(refusal("DescribeTable", r#"{"TableName":"ab;c"}"#), @"Validation: 1 validation error detected: Value 'ab;c' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
}

#[test]
fn expressions_and_their_parameters() {
    let put = |rest: &str| {
        refusal(
            "PutItem",
            &format!(r#"{{"TableName":"abc","Item":{{}},{rest}}}"#),
        )
    };
    insta::assert_snapshot!(put(r#""ReturnValues":"ALL_NEW""#), @"Validation: ReturnValues can only be ALL_OLD or NONE");
    insta::assert_snapshot!(put(r##""ExpressionAttributeNames":{"#a":"a"}"##), @"Validation: ExpressionAttributeNames can only be specified when using expressions");
    insta::assert_snapshot!(put(r#""ExpressionAttributeValues":{":a":{"S":"a"}}"#), @"Validation: ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null");
    insta::assert_snapshot!(put(r#""ConditionExpression":"a = :a","ExpressionAttributeValues":{":a":{"N":"x"}}"#), @"Validation: ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a");
    insta::assert_snapshot!(put(r#""ConditionExpression":"a = :a","ExpressionAttributeValues":{":a":{"S":"x"},":b":{"S":"x"}}"#), @"Validation: Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}");
    insta::assert_snapshot!(put(r#""ConditionExpression":"a = b","Expected":{}"#), @"Validation: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}");
    insta::assert_snapshot!(refusal("UpdateItem", r#"{"TableName":"abc","Key":{},"ExpressionAttributeValues":{":a":{"S":"a"}}}"#), @"Validation: ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null");
    insta::assert_snapshot!(refusal("GetItem", r#"{"TableName":"abc","Key":{},"AttributesToGet":["a","a"]}"#), @"Validation: One or more parameter values were invalid: Duplicate value in attribute name: a");
}

#[test]
fn legacy_parameters() {
    let request = read(
        "UpdateItem",
        r#"{"TableName":"abc","Key":{"id":{"S":"k"}},
            "AttributeUpdates":{"a":{"Action":"PUT","Value":{"S":"x"}},"b":{"Action":"DELETE"},"c":{"Action":"ADD","Value":{"N":"2"}},"d":{"Value":{"S":"y"}}},
            "Expected":{"c":{"ComparisonOperator":"GE","AttributeValueList":[{"N":"1"}]},"z":{"Exists":false}}}"#,
    );
    let Request::UpdateItem(update) = request.unwrap() else {
        panic!("another operation")
    };
    let number = |value| AttributeValue::N(Number::from(value));
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let old: Item = [("b".to_owned(), text("old")), ("c".to_owned(), number(1))].into();
    assert!(
        update
            .options
            .condition
            .unwrap()
            .evaluate(Some(&old))
            .unwrap()
    );
    let new = update.update.unwrap().apply(&old).unwrap();
    let expected: Item = [
        ("a".to_owned(), text("x")),
        ("c".to_owned(), number(3)),
        ("d".to_owned(), text("y")),
    ]
    .into();
    assert_eq!(new, expected);

    let expect = |entry: &str| {
        refusal(
            "DeleteItem",
            &format!(r#"{{"TableName":"abc","Key":{{}},"Expected":{{"a":{entry}}}}}"#),
        )
    };
    insta::assert_snapshot!(expect("{}"), @"Validation: One or more parameter values were invalid: Value must be provided when Exists is null for Attribute: a");
    insta::assert_snapshot!(expect(r#"{"Exists":false,"Value":{"S":"a"}}"#), @"Validation: One or more parameter values were invalid: Value cannot be used when Exists is false for Attribute: a");
    insta::assert_snapshot!(expect(r#"{"ComparisonOperator":"LIKE"}"#), @"Validation: 1 validation error detected: Value 'LIKE' at 'expected.a.member.comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]");
    insta::assert_snapshot!(expect(r#"{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"S":"a"}]}"#), @"Validation: One or more parameter values were invalid: Invalid number of argument(s) for the BETWEEN ComparisonOperator");
    insta::assert_snapshot!(expect(r#"{"ComparisonOperator":"LT","AttributeValueList":[{"BOOL":true}]}"#), @"Validation: One or more parameter values were invalid: ComparisonOperator LT is not valid for BOOL AttributeValue type");
    let change = |entry: &str| {
        refusal(
            "UpdateItem",
            &format!(r#"{{"TableName":"abc","Key":{{}},"AttributeUpdates":{{"a":{entry}}}}}"#),
        )
    };
    insta::assert_snapshot!(change(r#"{"Action":"PUT"}"#), @"Validation: One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified");
    insta::assert_snapshot!(change(r#"{"Action":"ADD","Value":{"S":"x"}}"#), @"Validation: One or more parameter values were invalid: ADD action is not supported for the type S");
}

const TABLE: &str = r#"{"TableName":"table","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"at","AttributeType":"N"}],
    "KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],"BillingMode":"PAY_PER_REQUEST",
    "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#;

#[test]
fn tables() {
    let Request::CreateTable(table) = read("CreateTable", TABLE).unwrap() else {
        panic!("another operation")
    };
    assert_eq!(table.stream, Some(StreamView::NewAndOldImages));
    assert_eq!(table.billing, Billing::PayPerRequest);
    assert_eq!(table.keys.names().collect::<Vec<_>>(), ["id", "at"]);

    let changed = |from: &str, to: &str| refusal("CreateTable", &TABLE.replace(from, to));
    insta::assert_snapshot!(refusal("CreateTable", r#"{"TableName":"table"}"#), @"Validation: 2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null");
    insta::assert_snapshot!(changed("PAY_PER_REQUEST", "PROVISIONED"), @"Validation: One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    insta::assert_snapshot!(changed("PAY_PER_REQUEST", "FREE"), @"Validation: 1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]");
    insta::assert_snapshot!(changed(r#""BillingMode""#, r#""ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},"BillingMode""#), @"Validation: One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    insta::assert_snapshot!(changed(r#""BillingMode""#, r#""ProvisionedThroughput":{"ReadCapacityUnits":0},"BillingMode""#), @"Validation: 2 validation errors detected: Value null at 'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: Member must not be null; Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1");
    insta::assert_snapshot!(changed(r#",{"AttributeName":"at","KeyType":"RANGE"}"#, ""), @"Validation: One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
    insta::assert_snapshot!(changed(r#""at","KeyType""#, r#""id","KeyType""#), @"Validation: Both the Hash Key and the Range Key element in the KeySchema have the same name");
    insta::assert_snapshot!(changed(r#""at","KeyType""#, r#""zz","KeyType""#), @"Validation: One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [id, zz], AttributeDefinitions: [id, at]");
    insta::assert_snapshot!(changed("RANGE", "HASH"), @"Validation: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    insta::assert_snapshot!(changed(r#"true,"StreamViewType":"NEW_AND_OLD_IMAGES""#, "true"), @"Validation: One or more parameter values were invalid: StreamViewType must be specified when StreamEnabled is true");
    let index = r#""GlobalSecondaryIndexes":[{"IndexName":"idx","KeySchema":[{"AttributeName":"at","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],"BillingMode""#;
    assert!(read("CreateTable", &TABLE.replace(r#""BillingMode""#, index)).is_ok());
    let unused = TABLE.replace(r#""BillingMode""#, index).replace(
        r#"[{"AttributeName":"id","AttributeType""#,
        r#"[{"AttributeName":"zz","AttributeType":"S"},{"AttributeName":"id","AttributeType""#,
    );
    insta::assert_snapshot!(refusal("CreateTable", &unused), @"Validation: One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [zz, id, at], keys used: [id, at]");

    insta::assert_snapshot!(refusal("UpdateTable", r#"{"TableName":"table"}"#), @"Validation: At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
    insta::assert_snapshot!(refusal("UpdateTable", r#"{"TableName":"table","ReplicaUpdates":[{}]}"#), @"Validation: One or more parameter values were invalid: Exactly one of Create, Update and Delete must be specified in each of ReplicaUpdates");
    let Request::UpdateTable(update) = read(
        "UpdateTable",
        r#"{"TableName":"table","StreamSpecification":{"StreamEnabled":false}}"#,
    )
    .unwrap() else {
        panic!("another operation")
    };
    assert_eq!((update.stream, update.billing), (Some(None), None));
}

#[test]
fn global_tables() {
    let create =
        |regions: &str| format!(r#"{{"GlobalTableName":"users","ReplicationGroup":[{regions}]}}"#);
    let request = read(
        "CreateGlobalTable",
        &create(r#"{"RegionName":"us-east-1"},{"RegionName":"eu-west-1"}"#),
    );
    assert_eq!(
        request.unwrap(),
        Request::Global(GlobalRequest::Create {
            name: "users".to_owned(),
            regions: vec![Region::new("us-east-1"), Region::new("eu-west-1")],
        })
    );
    insta::assert_snapshot!(refusal("CreateGlobalTable", r#"{"GlobalTableName":"users"}"#), @"Validation: 1 validation error detected: Value null at 'replicationGroup' failed to satisfy constraint: Member must not be null");
    insta::assert_snapshot!(refusal("UpdateGlobalTable", r#"{"GlobalTableName":"users","ReplicaUpdates":[{}]}"#), @"Validation: One or more parameter values were invalid: Exactly one of Create and Delete must be specified in each of ReplicaUpdates");
    assert!(read("UpdateGlobalTable", r#"{"GlobalTableName":"users","ReplicaUpdates":[{"Create":{"RegionName":"us-west-2"}},{"Delete":{"RegionName":"us-east-1"}}]}"#).is_ok());
    assert!(
        read(
            "ListGlobalTables",
            r#"{"RegionName":"us-east-1","Limit":5}"#
        )
        .is_ok()
    );
    insta::assert_snapshot!(refusal("DescribeGlobalTable", "{}"), @"Validation: 1 validation error detected: Value null at 'globalTableName' failed to satisfy constraint: Member must not be null");
}

fn shown(response: &Response) -> String {
    String::from_utf8(render(response)).unwrap()
}

#[test]
fn answers() {
    let Request::CreateTable(definition) = read("CreateTable", TABLE).unwrap() else {
        panic!("another operation")
    };
    let table = TableDescription {
        definition,
        status: TableStatus::Active,
        created_ms: 1_519_085_870_046,
        id: "12345678-0123-4567-a123-abcdefghijkl".to_owned(),
        arn: "arn:aws:dynamodb:us-east-1:000000000000:table/table".to_owned(),
        item_count: 3,
        size_bytes: 99,
        stream: Some((
            "arn:stream".to_owned(),
            "2018-02-20T00:17:50.046".to_owned(),
        )),
        decreases_today: 0,
        replicas: Vec::new(),
    };
    insta::assert_snapshot!(shown(&Response::Table(table)), @r#"{"Table":{"AttributeDefinitions":[{"AttributeName":"at","AttributeType":"N"},{"AttributeName":"id","AttributeType":"S"}],"TableName":"table","KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],"TableStatus":"ACTIVE","CreationDateTime":1519085870.046,"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0},"TableSizeBytes":99,"ItemCount":3,"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/table","TableId":"12345678-0123-4567-a123-abcdefghijkl","BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST","LastUpdateToPayPerRequestDateTime":1519085870.046},"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},"LatestStreamLabel":"2018-02-20T00:17:50.046","LatestStreamArn":"arn:stream","DeletionProtectionEnabled":false}}"#);
    let global = GlobalTableDescription {
        name: "users".to_owned(),
        arn: "arn:aws:dynamodb::000000000000:global-table/users".to_owned(),
        created_ms: 1_500,
        status: GlobalTableStatus::Active,
        replicas: vec![Region::new("us-east-1"), Region::new("eu-west-1")],
    };
    insta::assert_snapshot!(shown(&Response::GlobalTable(global)), @r#"{"GlobalTableDescription":{"ReplicationGroup":[{"RegionName":"us-east-1"},{"RegionName":"eu-west-1"}],"GlobalTableArn":"arn:aws:dynamodb::000000000000:global-table/users","CreationDateTime":1.500,"GlobalTableStatus":"ACTIVE","GlobalTableName":"users"}}"#);
    let tables = vec![("users".to_owned(), vec![Region::new("us-east-1")])];
    insta::assert_snapshot!(shown(&Response::ListGlobalTables { tables, last: Some("users".to_owned()) }), @r#"{"GlobalTables":[{"GlobalTableName":"users","ReplicationGroup":[{"RegionName":"us-east-1"}]}],"LastEvaluatedGlobalTableName":"users"}"#);
    insta::assert_snapshot!(shown(&Response::ListTables { names: vec!["a".to_owned(), "b".to_owned()], last: None }), @r#"{"TableNames":["a","b"]}"#);
    let capacity = Capacity {
        table: "table".to_owned(),
        half_units: 3,
        with_indexes: true,
    };
    let item: Item = [("a\"".to_owned(), AttributeValue::B(vec![1, 2]))].into();
    insta::assert_snapshot!(shown(&Response::GetItem { item: Some(item), capacity: Some(capacity) }), @r#"{"Item":{"a\"":{"B":"AQI="}},"ConsumedCapacity":{"TableName":"table","CapacityUnits":1.5,"Table":{"CapacityUnits":1.5}}}"#);
    assert_eq!(
        shown(&Response::Write {
            attributes: None,
            capacity: None
        }),
        "{}"
    );
}

#[test]
fn refusals_on_the_wire() {
    let shown = |error: &ApiError| {
        let (status, body) = render_error(error);
        format!("{status} {}", String::from_utf8(body).unwrap())
    };
    insta::assert_snapshot!(shown(&ApiError::validation("a \"b\"")), @r#"400 {"__type":"com.amazon.coral.validate#ValidationException","message":"a \"b\""}"#);
    insta::assert_snapshot!(shown(&ApiError::new(ErrorKind::Serialization, "")), @r#"400 {"__type":"com.amazon.coral.service#SerializationException"}"#);
    insta::assert_snapshot!(shown(&ApiError::new(ErrorKind::InternalServerError, "x")), @r#"500 {"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"x"}"#);
    insta::assert_snapshot!(shown(&ApiError::new(ErrorKind::UnknownContentType, "")), @"404 <UnknownOperationException/>");
    let mut failed = ApiError::new(
        ErrorKind::ConditionalCheckFailed,
        "The conditional request failed",
    );
    failed.item = Some([("a".to_owned(), AttributeValue::Null)].into());
    insta::assert_snapshot!(shown(&failed), @r#"400 {"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"a":{"NULL":true}}}"#);
}

#[test]
fn headers() {
    // The figure that AWS sends with this body.
    assert_eq!(crc32(b"<UnknownOperationException/>\n"), 3_552_371_480);
    let ids: std::collections::BTreeSet<String> =
        (0..1000).map(|number| request_id(7, number)).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| {
        id.len() == 52
            && id
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    }));
}

fn any_number() -> impl Strategy<Value = Number> {
    ("-?[1-9][0-9]{0,20}", -40_i32..40)
        .prop_map(|(digits, exponent)| Number::parse(&format!("{digits}e{exponent}")).unwrap())
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..9);
    let leaf = prop_oneof![
        any::<String>().prop_map(AttributeValue::S),
        any_number().prop_map(AttributeValue::N),
        bytes().prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
        prop::collection::btree_set(any::<String>(), 1..4).prop_map(AttributeValue::Ss),
        prop::collection::btree_set(any_number(), 1..4)
            .prop_map(|set| AttributeValue::Ns(set.into_iter().collect())),
        prop::collection::btree_set(bytes(), 1..4).prop_map(AttributeValue::Bs),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(AttributeValue::M),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_can_be_read(item in prop::collection::btree_map(any::<String>(), any_value(), 0..5)) {
        let body = shown(&Response::GetItem { item: Some(item.clone()), capacity: None });
        let body = body.replacen('{', r#"{"TableName":"table","#, 1);
        let Request::PutItem(put) = read("PutItem", &body).unwrap() else { panic!("another operation") };
        prop_assert_eq!(put.item, item);
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..64), operation in 0_usize..5) {
        let operation = ["PutItem", "UpdateItem", "CreateTable", "CreateGlobalTable", "ListTables"][operation];
        let _ = parse(Some(&format!("DynamoDB_20120810.{operation}")), JSON, &body);
    }

    #[test]
    fn no_damaged_request_panics(at in 0_usize..TABLE.len(), length in 0_usize..40, with in "[\\[\\]{}\",:a1-]{0,3}") {
        let end = (at + length).min(TABLE.len());
        let damaged = format!("{}{with}{}", &TABLE[..at], &TABLE[end..]);
        for operation in ["CreateTable", "UpdateTable", "PutItem", "UpdateGlobalTable"] {
            let _ = read(operation, &damaged);
        }
    }
}
