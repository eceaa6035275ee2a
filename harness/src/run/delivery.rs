//! The time within which writes must arrive everywhere (`--delivery-bound`): as it is written, and with the faults of a run, which do not count.

use std::collections::BTreeMap;

use checker::history::Delivery;
use reports::run_folder::{FaultAction, FolderError, Moment, RunFolder};

use crate::load::quantity;

/// A time such as 5s, 800ms or 2m, in nanoseconds.
pub(crate) fn bound_ns(text: &str) -> Result<u64, String> {
    let bound = quantity::duration(text).map_err(|error| error.to_string())?;
    let bound_ns = u64::try_from(bound.as_nanos()).expect("a month at most");
    match bound_ns {
        0 => Err("it must be above 0, such as 500ms, 30s or 5m".to_owned()),
        _above => Ok(bound_ns),
    }
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
        for wrong in ["", "5", "s", "0s", "-1s", "1d", "99999999999999m"] {
            assert!(bound_ns(wrong).is_err(), "{wrong}");
        }
    }
}
