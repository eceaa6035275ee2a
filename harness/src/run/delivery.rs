//! The time within which writes must arrive everywhere (`--delivery-bound`): as it is written, and with the faults of a run, which do not count.

use std::collections::BTreeMap;

use checker::history::Delivery;
use reports::run_folder::{FaultAction, FolderError, Moment, RunFolder};

/// A time such as 5s, 800ms or 2m, in nanoseconds.
pub(crate) fn bound_ns(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return Err("it needs a whole number and a unit: 800ms, 5s or 2m".to_owned()),
    };
    let number: Option<u64> = number.parse().ok().filter(|number| *number > 0);
    let bound_ns = number.and_then(|number| number.checked_mul(scale));
    bound_ns.ok_or_else(|| "it must be above 0, such as 800ms, 5s or 2m".to_owned())
}

/// This bound, but for the time in which the run of a folder had faults installed.
pub(crate) fn within(bound_ns: u64, run: &RunFolder) -> Result<Delivery, FolderError> {
    let mut faults: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for moment in &run.timeline()?.moments {
        match moment {
            Moment::Phase { .. } => {}
            Moment::Fault {
                t,
                begun,
                id,
                action,
                ..
            } => match action {
                FaultAction::Start => {
                    faults.entry(*id).or_insert((*begun, u64::MAX));
                }
                FaultAction::Stop => {
                    faults.entry(*id).or_insert((*begun, *t)).1 = *t;
                }
            },
        }
    }
    Ok(Delivery {
        bound_ns,
        faults_ns: faults.into_values().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::bound_ns;

    #[test]
    fn bounds_have_a_unit() {
        assert_eq!(bound_ns("800ms"), Ok(800_000_000));
        assert_eq!(bound_ns("2m"), Ok(120_000_000_000));
        for wrong in ["", "5", "s", "0s", "-1s", "1h", "99999999999999m"] {
            assert!(bound_ns(wrong).is_err(), "{wrong}");
        }
    }
}
