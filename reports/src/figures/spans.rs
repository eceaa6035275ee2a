//! Phases and faults as spans, from the moments of the timeline.

use super::{FaultSpan, PhaseSpan};
use crate::run_folder::{FaultAction, FaultResult, Moment};

/// The phases, each lasting until the next one. The moment `end` closes the last one and is no phase itself.
pub(super) fn phases(timeline: &[Moment], end_ns: u64) -> Vec<PhaseSpan> {
    let mut spans: Vec<PhaseSpan> = Vec::new();
    for moment in timeline {
        let Moment::Phase { t, name } = moment else {
            continue;
        };
        if let Some(last) = spans.last_mut() {
            last.end_ns = *t;
        }
        if name == "end" {
            return spans;
        }
        spans.push(PhaseSpan {
            name: name.clone(),
            begin_ns: *t,
            end_ns: end_ns.max(*t),
        });
    }
    spans
}

/// The faults, in the order in which they began.
pub(super) fn faults(timeline: &[Moment]) -> Vec<FaultSpan> {
    let mut spans: Vec<FaultSpan> = Vec::new();
    for moment in timeline {
        let Moment::Fault {
            t,
            begun,
            id,
            fault,
            action,
            what,
            regions,
            result,
            why,
        } = moment
        else {
            continue;
        };
        match action {
            FaultAction::Start => spans.push(FaultSpan {
                id: *id,
                fault: fault.clone(),
                what: what.clone(),
                regions: regions.clone(),
                begin_ns: *begun,
                end_ns: None,
                result: *result,
                why: why.clone(),
            }),
            FaultAction::Stop => {
                let open = spans
                    .iter_mut()
                    .rev()
                    .find(|span| span.id == *id && span.end_ns.is_none());
                if let Some(span) = open {
                    close(span, *t, *result, why.as_deref());
                }
            }
        }
    }
    spans.sort_by_key(|span| (span.begin_ns, span.id));
    spans
}

/// A stop that was skipped healed nothing; one that is indeterminate may not have, which the reader is told.
fn close(span: &mut FaultSpan, at_ns: u64, result: FaultResult, why: Option<&str>) {
    match result {
        FaultResult::Installed => span.end_ns = Some(at_ns),
        FaultResult::Skipped | FaultResult::Indeterminate => {
            let reason = why.unwrap_or("no reason recorded");
            let note = format!("its stop was {}: {reason}", result.name());
            span.why = Some(match span.why.take() {
                Some(why) => format!("{why}; {note}"),
                None => note,
            });
        }
    }
}

/// Where the warm-up ends, 0 if there was none.
pub(super) fn measured_from_ns(phases: &[PhaseSpan]) -> u64 {
    phases
        .iter()
        .find(|phase| phase.name == "warm-up")
        .map_or(0, |phase| phase.end_ns)
}

/// The last moment of the timeline.
pub(super) fn last_ns(timeline: &[Moment]) -> u64 {
    timeline.iter().map(Moment::t).max().unwrap_or(0)
}
