//! Foreign histories: each form is recognised and judged, and what is malformed says where.

use std::path::Path;

use checker::history::{Format, History, Op, read_format, read_history};
use checker::verdict::Outcome;

fn read(text: &str) -> Result<History, String> {
    let format = Format::detect(text.as_bytes()).expect("every form here is recognised");
    read_format(text.as_bytes(), format).map_err(|e| e.to_string())
}

const OPERATIONS: &str = concat!(
    r#"{"process":1,"key":17,"f":"write","value":4,"call":10,"return":20,"out":"ok"}"#,
    "\n",
    r#"{"process":2,"key":17,"f":"read","value":null,"call":12,"return":30,"out":4}"#,
    "\n",
    r#"{"process":1,"key":"seventeen","f":"cas","value":[4,5],"call":40,"return":50,"out":false}"#,
    "\n",
    r#"{"process":3,"key":17,"f":"cas","value":[4,5],"call":40,"return":null,"out":null}"#,
    "\n",
);

#[test]
fn one_operation_per_line() {
    let history = read(OPERATIONS).expect("well formed");
    assert_eq!(history.operations.len(), 4);
    assert_eq!(history.operations[1].return_ns, Some(30));
    assert_eq!(history.operations[3].return_ns, None);
    assert_eq!(
        checker::check(&history, &["phantom"]).outcome,
        Outcome::Valid
    );
    let cut = &OPERATIONS[..OPERATIONS.len() - 20];
    assert!(
        read(cut)
            .expect_err("cut")
            .starts_with("line 4 is half-written")
    );
    let bad = OPERATIONS.replace("\"read\"", "\"peek\"");
    insta::assert_snapshot!(read(&bad).expect_err("bad"), @r#"line 2, column 1: expected an "f" of "read", "write", "cas" or "delete", found `{"process":2,"key":17,"f`"#);
    let overlapping = OPERATIONS.replace("\"process\":2", "\"process\":1");
    assert!(
        read(&overlapping)
            .expect_err("two open")
            .contains("still open")
    );
}

const EDN: &str = "{:type :invoke, :f :write, :value [\"x\" 1], :time 5, :process 0, :index 0}
{:type :info, :f :start-partition, :value nil, :time 6, :process :nemesis}
{:type :ok, :f :write, :value [\"x\" 1], :time 7, :process 0}
#jepsen.history.Op{:type :invoke, :f :read, :value [\"x\" nil], :time 8, :process 1}
{:type :ok, :f :read, :value [\"x\" 1], :time 9, :process 1} ; a comment
{:type :invoke, :f :cas, :value [\"x\" [1 2]], :time 10, :process 1}
{:type :info, :f :cas, :value [\"x\" [1 2]], :time 11, :process 1, :error :timeout}
";

#[test]
fn jepsen_edn_with_independent_keys() {
    for text in [EDN.to_owned(), format!("[{EDN}]")] {
        let history = read(&text).expect("well formed");
        assert_eq!(history.operations.len(), 3);
        assert_eq!(
            history.header.key_names.values().next(),
            Some(&"x".to_owned())
        );
        assert_eq!(
            checker::check(&history, &["phantom"]).outcome,
            Outcome::Valid
        );
    }
    let never_written = EDN.replace(":f :read, :value [\"x\" 1]", ":f :read, :value [\"x\" 9]");
    let history = read(&never_written).expect("well formed");
    assert_eq!(
        checker::check(&history, &["phantom"]).outcome,
        Outcome::Invalid
    );
    assert!(
        read(&EDN[..EDN.len() - 9])
            .expect_err("cut")
            .contains("half-written")
    );
    let bad = EDN.replace(":f :cas", ":f :swap");
    insta::assert_snapshot!(read(&bad).expect_err("bad"), @"line 6, column 1: expected an :f of :read, :write, :cas, :delete, :add or :txn, found `swap`");
}

#[test]
fn jepsen_sets_counters_and_transactions() {
    let set =
        "{:type :invoke, :f :add, :value 3, :process 0}{:type :ok, :f :add, :value 3, :process 0}
        {:type :invoke, :f :read, :process 0}{:type :ok, :f :read, :value #{3 1}, :process 0}";
    let history = read(set).expect("well formed");
    assert!(matches!(
        history.operations[0].op,
        Op::AddToSet { element: 3, .. }
    ));
    let counter = set.replace("#{3 1}", "3");
    let history = read(&counter).expect("well formed");
    assert!(matches!(
        history.operations[0].op,
        Op::Increment { delta: 3, .. }
    ));
    let append = "{:type :invoke, :f :txn, :value [[:append 1 2] [:r 1 nil]], :process 0}
        {:type :ok, :f :txn, :value [[:append 1 2] [:r 1 [2]]], :process 0}";
    let history = read(append).expect("well formed");
    assert!(matches!(&history.operations[0].op, Op::Transact { ops } if ops.len() == 2));
}

#[test]
fn jepsen_log_lines() {
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t4\nINFO  jepsen.core - starting\n\
        INFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:write\t4\n\
        INFO  jepsen.util - 1\t:ok\t:read\t4\nINFO  jepsen.util - 0\t:invoke\t:cas\t[4 2]\n\
        INFO  jepsen.util - 0\t:info\t:cas\t:timed-out\nINFO  jepsen.util - :nemesis\t:info\t:start\tnil\n";
    let history = read(log).expect("well formed");
    assert_eq!(history.operations.len(), 3);
    assert_eq!(history.operations[0].line_complete, Some(4));
    assert_eq!(
        checker::check(&history, &["phantom"]).outcome,
        Outcome::Valid
    );
}

/// What is behind the last line feed, and what is before it.
fn last_line(text: &str) -> (&str, &str) {
    let text = text.trim_end();
    text.split_at(text.rfind('\n').expect("several lines") + 1)
}

#[test]
fn a_last_line_that_is_cut_is_refused_wherever_and_in_every_form() {
    let ours = "{\"schema\":\"dateline/history/1\",\"regions\":[\"us\"]}\n\
        {\"t\":0,\"p\":0,\"r\":\"us\",\"e\":\"invoke\",\"f\":\"write\",\"k\":1,\"v\":12}\n\
        {\"t\":1,\"p\":0,\"r\":\"us\",\"e\":\"ok\",\"f\":\"write\",\"k\":1}\n";
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t42\n";
    let forms = [
        ours.to_owned(),
        OPERATIONS.to_owned(),
        EDN.to_owned(),
        format!("{log}INFO  jepsen.util - 0\t:ok\t:write\t42\n"),
        format!("{log}INFO  jepsen.util - 0\t:info\t:write\t:timed-out\n"),
        format!("{log}INFO  jepsen.util - 1\t:invoke\t:cas\t[42 3]\n"),
        format!("{log}INFO  jepsen.util - 1\t:invoke\t:read\tnil\n"),
    ];
    for text in &forms {
        let (before, last) = last_line(text);
        let line = before.lines().count() + 1;
        let whole = read(text).expect("whole");
        assert_eq!(
            read(text.trim_end()).as_ref(),
            Ok(&whole),
            "only the line feed is missing"
        );
        for length in 1..last.len() {
            let cut = read(&format!("{before}{}", &last[..length])).expect_err(last);
            let column = length + 1;
            let is_half_written = cut.starts_with(&format!(
                "line {line} is half-written: the file ends at column {column}, "
            ));
            let is_unclear = cut.starts_with(&format!(
                "line {line}, column {column}: expected a line feed"
            ));
            assert!(is_half_written || is_unclear, "{length} of {last}: {cut}");
        }
    }
}

#[test]
fn a_number_at_the_end_of_a_log_without_a_line_feed_may_be_cut_off() {
    let log = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t4";
    insta::assert_snapshot!(read(log).expect_err("it may be 42"), @"line 2, column 34: expected a line feed: without it, what ends here may be cut off; add one if the line is whole, found none");
    assert!(read(&format!("{log}\n")).is_ok());
    let others = "INFO  jepsen.core - starting";
    for other in ["INFO  jepsen.util - :nemesis\t:info\t:start", others] {
        assert!(read(&format!("{log}\n{other}")).is_ok(), "{other}");
    }
}

#[test]
fn detection_reads_the_file_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("history");
    for text in [OPERATIONS, EDN] {
        std::fs::write(&path, text).expect("to a temporary file");
        assert!(read_history(&path).is_ok());
    }
    assert!(read_history(Path::new("/absent/history")).is_err());
}
