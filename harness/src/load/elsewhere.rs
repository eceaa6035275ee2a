//! Regions that run elsewhere, as `--region NAME=URL` gives them, and what a load cannot do to them.

use crate::{
    cli::LoadFlags,
    client::Environment,
    target::{Elsewhere, EndpointError, Intent},
};

/// What cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElsewhereError {
    #[error(transparent)]
    Region(#[from] EndpointError),
    #[error(
        "--{flag}: regions that run elsewhere cannot be touched; leave it out, or leave out --region"
    )]
    Untouchable { flag: &'static str },
}

/// The regions, if any was named.
pub(super) fn resolve(
    flags: &LoadFlags,
    has_faults: bool,
) -> Result<Option<Elsewhere>, ElsewhereError> {
    if flags.region.is_empty() {
        return Ok(None);
    }
    let touches = [
        ("faults", has_faults),
        ("defect", flags.defect.is_some()),
        ("rtt-scale", flags.rtt_scale.is_some()),
    ];
    if let Some((flag, _)) = touches.into_iter().find(|(_, given)| *given) {
        return Err(ElsewhereError::Untouchable { flag });
    }
    let (authority, environment) = (flags.ca.as_deref(), Environment::of_process());
    let regions = Elsewhere::resolve(
        "region",
        &flags.region,
        authority,
        &environment,
        Intent::Ask,
    )?;
    Ok(Some(regions))
}
