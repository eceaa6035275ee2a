use super::*;
use crate::load_summary::tests::{KINDS, REGIONS, summary};

fn parsed(text: &str) -> Result<Goal, GoalError> {
    let regions = REGIONS.map(str::to_owned);
    let kinds = KINDS.map(str::to_owned);
    Goal::parse(
        text,
        &Vocabulary {
            regions: &regions,
            kinds: &kinds,
        },
    )
}

#[test]
fn goals_are_read() {
    let read = |text: &str| {
        let goal = parsed(text).expect(text);
        let scope = (
            goal.scope.region.unwrap_or_default(),
            goal.scope.kind.unwrap_or_default(),
        );
        format!(
            "{}/{} {:?} {:?} {}",
            scope.0, scope.1, goal.statistic, goal.side, goal.bound
        )
    };
    let told = [
        "read.p99<20ms",
        "us-east-1.write.p99.9<1s",
        "p50 <= 750us",
        "service.max<2s",
        "lag.p99<2s",
        "us-east-1.lag.max<=5s",
        "errors<0.1%",
        "write.never-sent<1%",
        "late<5%",
        "us-east-1.rate>=4.9k",
    ]
    .map(read);
    insta::assert_snapshot!(told.join("\n"), @r#"
    /read Response(0.99) Below 20000000
    us-east-1/write Response(0.9990000000000001) Below 1000000000
    / Response(0.5) AtMost 750000
    / Service(1.0) Below 2000000000
    / Lag(0.99) Below 2000000000
    us-east-1/ Lag(1.0) AtMost 5000000000
    / Errors Below 0.001
    /write NeverSent Below 0.01
    / Late Below 0.05
    us-east-1/ Rate AtLeast 4900
    "#);
}

#[test]
fn what_is_no_goal_is_told_with_what_there_is() {
    let refused = |text: &str| parsed(text).expect_err(text).to_string();
    let told = [
        "p99",
        "raed.p99<20ms",
        "p99<20",
        "p101<20ms",
        "errors<5",
        "errors>1%",
        "rate<5k",
        "lag.errors<1%",
        "read.lag.p99<1s",
        "p99<fast",
    ]
    .map(refused);
    insta::assert_snapshot!(told.join("\n"), @r#"
    goal `p99`: no comparison; write METRIC<VALUE, such as read.p99<20ms, or rate>=4.9k
    goal `raed.p99<20ms`: no metric `raed.p99`: `raed` is neither a region nor a kind of this run; metrics are [REGION.][KIND.][service.]pN or max, [REGION.]lag.pN or max, [REGION.][KIND.]errors, late, never-sent and rate; regions here: eu-west-1, us-east-1; kinds here: read, write, scan
    goal `p99<20`: `20` is not a bound for it; write a duration with its unit (ns, us, ms, s), such as 20ms
    goal `p101<20ms`: no metric `p101`: `p101` is no statistic; metrics are [REGION.][KIND.][service.]pN or max, [REGION.]lag.pN or max, [REGION.][KIND.]errors, late, never-sent and rate; regions here: eu-west-1, us-east-1; kinds here: read, write, scan
    goal `errors<5`: `5` is not a bound for it; write a share in percent, such as 0.1%
    goal `errors>1%`: the comparison points the wrong way, it would be kept by the worst of runs; write `<`
    goal `rate<5k`: the comparison points the wrong way, it would be kept by the worst of runs; write `>=`
    goal `lag.errors<1%`: no metric `lag.errors`: `errors` has neither `service` nor `lag` before it; metrics are [REGION.][KIND.][service.]pN or max, [REGION.]lag.pN or max, [REGION.][KIND.]errors, late, never-sent and rate; regions here: eu-west-1, us-east-1; kinds here: read, write, scan
    goal `read.lag.p99<1s`: no metric `read.lag.p99`: lag is measured by heartbeats, it has no kind and no service time; metrics are [REGION.][KIND.][service.]pN or max, [REGION.]lag.pN or max, [REGION.][KIND.]errors, late, never-sent and rate; regions here: eu-west-1, us-east-1; kinds here: read, write, scan
    goal `p99<fast`: `fast` is not a bound for it; write a duration with its unit (ns, us, ms, s), such as 20ms
    "#);
}

#[test]
fn goals_are_held_against_what_was_measured() {
    let summary = summary();
    let held = |text: &str| {
        let result = evaluate(&parsed(text).expect(text), &summary);
        format!("{:?}: {} ({})", result.outcome, result.goal, result.told)
    };
    let told = [
        "read.p99<20ms",
        "read.p50<1ms",
        "us-east-1.write.p99.9<1s",
        "write.service.p50<20ms",
        "lag.p99<2s",
        "eu-west-1.lag.p50<60ms",
        "errors<0.1%",
        "errors<50%",
        "never-sent<1%",
        "rate>=100",
        "scan.p99<1s",
    ]
    .map(held);
    insta::assert_snapshot!(told.join("\n"), @r#"
    Kept: read.p99<20ms (18.0 ms)
    Broken: read.p50<1ms (6.02 ms)
    Broken: us-east-1.write.p99.9<1s (no such time: 2 of 1,003 failed or were never sent)
    Kept: write.service.p50<20ms (6.01 ms)
    Kept: lag.p99<2s (54.0 ms)
    Kept: eu-west-1.lag.p50<60ms (50.0 ms)
    Broken: errors<0.1% (0.20 % (8 of 4,012))
    Kept: errors<50% (0.20 % (8 of 4,012))
    Kept: never-sent<1% (0 % (0 of 4,012))
    Kept: rate>=100 (400/s)
    CannotTell: scan.p99<1s (nothing was measured)
    "#);
}

#[test]
fn what_was_not_answered_is_slower_than_any_answer() {
    let mut summary = summary();
    let goal = parsed("us-east-1.read.p99<1s").expect("a goal");
    assert_eq!(evaluate(&goal, &summary).outcome, GoalOutcome::Kept);
    let row = summary
        .rows
        .iter_mut()
        .find(|row| row.region == "us-east-1" && row.kind == "read");
    let row = row.expect("it is there");
    row.never_sent = 20;
    row.scheduled += 20;
    let result = evaluate(&goal, &summary);
    assert_eq!(result.outcome, GoalOutcome::Broken, "{}", result.told);
}
