//! What the faces in words say of the made-up run.

use checker::verdict::Outcome;
use reports::{
    junit, markdown,
    text::{self, Colour, Style},
};

use crate::synthetic;

fn plain(width: usize) -> Style {
    Style {
        width,
        colour: Colour::Never,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
fn the_terminal_is_told_the_verdict_first() {
    let (results, _) = synthetic::finished();
    let text = text::summary(&results, Some("runs/latest/report.html"), plain(100));
    insta::assert_snapshot!(text, @r#"
    INVALID  register, seed 7, 3 regions, 57.0 s
    1 of 8 checks found what the contract forbids: read-your-writes

    Checks
      ✗ read-your-writes    invalid: 1 violation
      ? conditional-writes  unknown:
          the workload made no conditional writes; add `--mix cas` to exercise it
      ✓ convergence         valid
      ✓ winner              valid
      ✓ lost-write          valid
      ✓ phantom             valid
      ✓ resurrection        valid
      ✓ monotonic-reads     valid

    Evidence against read-your-writes (1 of 1), key 17
      us-east-1 acknowledged the write of 30001 before the strong read began, yet the read saw 29741,
      which that write had replaced

      us-east-1 p11  |=======|
      us-east-1 p14                  |=======|
      us-east-1 p12                                  |=======|
      - 18.904 s us-east-1 p11 the older write: wrote 29741 (lines 6168, 6187)
      - 19.612 s us-east-1 p14 the acknowledged write: wrote 30001 (lines 6656, 6675)
      - 19.640 s us-east-1 p12 the read that missed it: strong read saw 29741 (stamp 1519085870.846001
        us-east-1) (lines 6574, 6593)

    Allowed by the contract, and counted
      concurrent acknowledged writes lost  341
      stale cross region reads             1,204
      staleness, max                       10.5 s

    Operations
      region          kind                ok  fail  info      p50      p99      max
      ap-southeast-1  read               941     0     0  2.52 ms  5.40 ms  64.8 ms
      ap-southeast-1  write              986     0     0  2.37 ms  5.27 ms  64.5 ms
      ap-southeast-1  heartbeat-write    540     0     0  2.00 ms  2.00 ms  2.00 ms
      ap-southeast-1  heartbeat-read   5,400     0     0  1.73 ms  2.48 ms  2.50 ms
      ap-southeast-1  final               24     0     0  2.00 ms  2.00 ms  2.00 ms
      us-east-1       read               894     0     5  2.40 ms  5.44 ms   706 ms
      us-east-1       write              961     0     5  2.46 ms  5.45 ms   684 ms
      us-east-1       heartbeat-write    540     0     0  2.00 ms  2.00 ms  2.00 ms
      us-east-1       heartbeat-read   5,400     0     0  1.73 ms  2.48 ms  2.50 ms
      us-east-1       final               24     0     0  2.00 ms  2.00 ms  2.00 ms
      eu-west-1       read               901    53     6  2.44 ms  5.25 ms  65.2 ms
      eu-west-1       write              887    60     6  2.54 ms  5.17 ms  64.8 ms
      eu-west-1       heartbeat-write    540     0     0  2.00 ms  2.00 ms  2.00 ms
      eu-west-1       heartbeat-read   5,400     0     0  1.74 ms  2.49 ms  2.50 ms
      eu-west-1       final               24     0     0  2.00 ms  2.00 ms  2.00 ms

    Errors
      count  region     kind   error
      5      us-east-1  read   timeout
      5      us-east-1  write  timeout
      53     eu-west-1  read   connection-refused
      6      eu-west-1  read   connection-reset
      60     eu-west-1  write  connection-refused
      6      eu-west-1  write  connection-reset

    Replication lag, at most
      link                            p50      p99      max  never seen
      ap-southeast-1 → us-east-1  28.9 ms   10.0 s   10.5 s           0
      ap-southeast-1 → eu-west-1  28.9 ms   6.53 s   7.03 s           0
      us-east-1 → ap-southeast-1  29.0 ms   10.0 s   10.5 s           0
      us-east-1 → eu-west-1       28.9 ms   10.0 s   10.5 s           0
      eu-west-1 → ap-southeast-1  28.7 ms  29.5 ms  29.5 ms           0
      eu-west-1 → us-east-1       29.0 ms   10.0 s   10.5 s           0

    Faults
      9.000 s partition: isolate us-east-1, 10.5 s, installed
      22.000 s clock: step ap-southeast-1 by +1800 ms, 8.01 s, installed
      27.000 s kill: kill eu-west-1, 3.21 s, installed
      36.000 s pause: pause us-east-1, 2.01 s, installed
      40.000 s partition: one-way ap-southeast-1 -> eu-west-1, 7.01 s, installed
      48.000 s kill: kill us-east-1, skipped (the time limit was near)

    See also
      report  runs/latest/report.html
      again   dateline test register --seed 7 --rate 120 --faults partition,kill,pause,clock
    "#);
}

#[test]
fn every_width_holds_and_colours_come_only_when_asked_for() {
    let (results, _) = synthetic::finished();
    for width in [40, 60, 80, 120, 200] {
        let text = text::summary(&results, None, plain(width));
        assert!(!text.contains('\x1b'));
        // The line that repeats the run is never broken: it is there to be copied.
        let wide = text
            .lines()
            .filter(|line| !line.contains("dateline test"))
            .find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "at {width} columns");
    }
    let coloured = text::summary(
        &results,
        None,
        Style {
            width: 80,
            colour: Colour::Ansi,
        },
    );
    assert!(coloured.starts_with("\x1b[1;31mINVALID\x1b[0m"));
}

#[test]
fn markdown_for_a_pull_request() {
    let (results, _) = synthetic::finished();
    insta::assert_snapshot!(markdown::summary(&results, None), @r#"
    ### Dateline: INVALID

    1 of 8 checks found what the contract forbids: read-your-writes.

    - **workload** register
    - **seed** 7
    - **target** local
    - **regions** ap-southeast-1, us-east-1, eu-west-1
    - **length** 57.0 s
    - **operations** 5,705: 5,570 ok, 113 fail, 22 info
    - **faults** 2 partition, 1 clock, 1 kill, 1 pause, 1 skipped

    | check | outcome | found |
    |---|---|---|
    | read-your-writes | **invalid** | 1 violation |
    | conditional-writes | **unknown** | the workload made no conditional writes; add \`--mix cas\` to exercise it |
    | convergence | valid |  |
    | winner | valid |  |
    | lost-write | valid |  |
    | phantom | valid |  |
    | resurrection | valid |  |
    | monotonic-reads | valid |  |

    **read-your-writes**: us-east-1 acknowledged the write of 30001 before the strong read began, yet the read saw 29741, which that write had replaced

    - 18.904 s, process 11: wrote 29741 (the older write), line 6168
    - 19.612 s, process 14: wrote 30001 (the acknowledged write), line 6656
    - 19.640 s, process 12: strong read saw 29741 (stamp 1519085870.846001 us-east-1) (the read that missed it), line 6574

    ```
    dateline test register --seed 7 --rate 120 --faults partition,kill,pause,clock
    ```
    "#);
}

#[test]
fn junit_has_a_case_per_check() {
    let (mut results, _) = synthetic::finished();
    results
        .verdict
        .checks
        .retain(|check| check.outcome != Outcome::Valid || check.check == "winner");
    results.harness_failure = Some("region eu-west-1 did not stop <in time>".to_owned());
    insta::assert_snapshot!(junit::junit(&results), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="dateline" tests="4" failures="1" errors="1">
        <testsuite name="register seed 7" tests="4" disabled="1" errors="1" failures="1">
            <testcase name="read-your-writes" classname="dateline.register">
                <failure message="1 violation: us-east-1 acknowledged the write of 30001 before the strong read began, yet the read saw 29741, which that write had replaced" type="violation">Within a region, a strong read sees every write that the region acknowledged before it began, or a greater one

    us-east-1 acknowledged the write of 30001 before the strong read began, yet the read saw 29741, which that write had replaced
      18.904 s wrote 29741 (the older write), line 6168
      19.612 s wrote 30001 (the acknowledged write), line 6656
      19.640 s strong read saw 29741 (stamp 1519085870.846001 us-east-1) (the read that missed it), line 6574

    again: dateline test register --seed 7 --rate 120 --faults partition,kill,pause,clock
    </failure>
            </testcase>
            <testcase name="conditional-writes" classname="dateline.register">
                <skipped message="the workload made no conditional writes; add `--mix cas` to exercise it"/>
            </testcase>
            <testcase name="winner" classname="dateline.register">
            </testcase>
            <testcase name="harness">
                <error message="region eu-west-1 did not stop &lt;in time&gt;" type="harness-failure">again: dateline test register --seed 7 --rate 120 --faults partition,kill,pause,clock</error>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}
