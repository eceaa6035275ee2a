//! Which faults a workload can bear: not those that take from it what it needs to be judged.

use workloads::{catalogue::Entry, needs::Needs};

use super::SettingsError;
use crate::{nemesis::Package, target::Ability};

/// Those faults that leave a workload what it needs: of the usual ones and of all. One that was asked for by name is refused.
pub(super) fn bearable(
    workload: &'static Entry,
    faults: Vec<&'static dyn Package>,
    named: Option<&[String]>,
) -> Result<Vec<&'static dyn Package>, SettingsError> {
    let mut borne = Vec::new();
    for fault in faults {
        let is_named = |name: &String| name == fault.name();
        match (unbearable(&workload.needs, fault), named) {
            (None, _) => borne.push(fault),
            (Some(why), Some(named)) if named.iter().any(is_named) => {
                return Err(SettingsError::Unbearable {
                    fault: fault.name(),
                    workload: workload.name,
                    why,
                });
            }
            (Some(_), _) => {}
        }
    }
    Ok(borne)
}

/// Why a fault would take from a workload what it needs, if it would.
fn unbearable(needs: &Needs, fault: &dyn Package) -> Option<&'static str> {
    let takes = |ability| fault.needs().contains(&ability);
    if needs.time_to_live && takes(Ability::Clock) {
        return Some("the regions' clocks say what has expired");
    }
    let moves = takes(Ability::Membership) || takes(Ability::RollBack);
    (needs.tables && moves).then_some("it takes regions out of tables itself")
}
