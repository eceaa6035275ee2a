//! When the client, not the server, was the limit: what was seen, what it may mean, what to try.

use super::LoadSummary;
use crate::words;

/// A generator that starts more than this late is measuring itself.
const SCHEDULE_ERROR_NS: u64 = 1_000_000;

/// Threads busier than this have no room left for a burst.
const BUSY_RATIO: f64 = 0.85;

/// A sending thread that waits for a CPU longer than this is measuring its neighbours.
const WAIT_RATIO: f64 = 0.1;

/// A machine that loses more than this to others measures its host: known delays came out within 1 % while a host took 3 %, and 4 % too long
/// at p99.9 while it took 14 %.
const STOLEN_RATIO: f64 = 0.05;

/// The warnings that the numbers themselves give rise to.
#[must_use]
pub fn warnings(summary: &LoadSummary) -> Vec<String> {
    let mut warnings = Vec::new();
    for lane in &summary.lanes {
        let rows = || summary.rows.iter().filter(|row| row.region == lane.region);
        let never_sent: u64 = rows().map(|row| row.never_sent).sum();
        if lane.limit_bound() {
            let lost = if never_sent == 0 {
                String::new()
            } else {
                format!(", {} of them were never sent", words::count(never_sent))
            };
            warnings.push(format!(
                "{}: the in-flight limit of {} held back {}{lost}; their response times count the wait. If the service times are short the limit is too small: raise --in-flight; if they are long the server is the limit",
                lane.region,
                lane.in_flight_limit,
                words::counted(lane.waited_for_slot, "operation"),
            ));
            continue;
        }
        // Slots were free all the time: whatever started late, the generator itself was late.
        let latest = rows()
            .map(|row| row.schedule_error.percentiles().p99_ns)
            .max();
        if let Some(p99_ns) = latest.filter(|p99_ns| *p99_ns > SCHEDULE_ERROR_NS) {
            warnings.push(format!(
                "{}: 1 in 100 operations started {} late or more although slots were free: the client is the limit, not the server; lower --rate, give the client more CPU, or split the load with --share",
                lane.region,
                words::duration(p99_ns),
            ));
        }
    }
    if let Some(busy) = summary
        .client
        .cpu_busy_ratio
        .filter(|busy| *busy > BUSY_RATIO)
    {
        warnings.push(format!(
            "the client's {} spent {:.0} % of the time on a CPU: the client is the limit, or close to it; give it more CPU or split the load with --share",
            words::counted(summary.client.threads, "sending thread"),
            busy * 100.0,
        ));
    }
    if let Some(wait) = summary
        .client
        .cpu_wait_ratio
        .filter(|wait| *wait > WAIT_RATIO)
    {
        warnings.push(format!(
            "the client's {} waited {:.0} % of the time for a CPU: other programs, or the regions themselves, made the client late; give it a CPU of its own or lower --rate",
            words::counted(summary.client.threads, "sending thread"),
            wait * 100.0,
        ));
    }
    if let Some(stolen) = summary
        .client
        .cpu_stolen_ratio
        .filter(|stolen| *stolen > STOLEN_RATIO)
    {
        warnings.push(format!(
            "the host of this virtual machine gave {:.0} % of its CPUs' time to others: latencies are partly the host's; repeat the run when it is quieter, or on a machine of its own",
            stolen * 100.0,
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_summary::tests::summary;

    #[test]
    fn each_limit_of_the_client_is_named() {
        let mut summary = summary();
        assert_eq!(warnings(&summary), Vec::<String>::new());
        summary.lanes[0].waited_for_slot = 1234;
        let late = summary
            .rows
            .iter_mut()
            .find(|row| row.region == "us-east-1");
        let late = late.expect("it has rows");
        (0..100).for_each(|_| late.schedule_error.record(5_000_000));
        summary.client.cpu_busy_ratio = Some(0.93);
        summary.client.cpu_wait_ratio = Some(0.21);
        summary.client.cpu_stolen_ratio = Some(0.14);
        insta::assert_snapshot!(warnings(&summary).join("\n\n"), @r#"
        eu-west-1: the in-flight limit of 64 held back 1,234 operations; their response times count the wait. If the service times are short the limit is too small: raise --in-flight; if they are long the server is the limit

        us-east-1: 1 in 100 operations started 5.00 ms late or more although slots were free: the client is the limit, not the server; lower --rate, give the client more CPU, or split the load with --share

        the client's 2 sending threads spent 93 % of the time on a CPU: the client is the limit, or close to it; give it more CPU or split the load with --share

        the client's 2 sending threads waited 21 % of the time for a CPU: other programs, or the regions themselves, made the client late; give it a CPU of its own or lower --rate

        the host of this virtual machine gave 14 % of its CPUs' time to others: latencies are partly the host's; repeat the run when it is quieter, or on a machine of its own
        "#);
    }
}
