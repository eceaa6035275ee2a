//! Regions that run elsewhere: their names and addresses, as `--region NAME=URL` gives them.

use std::net::{SocketAddr, ToSocketAddrs as _};

use crate::cli::LoadFlags;

/// Where the regions are.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) names: Vec<String>,
    pub(super) addresses: Vec<SocketAddr>,
}

/// What cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElsewhereError {
    #[error("--region {given}: {wrong}; write NAME=URL, such as us-east-1=http://127.0.0.1:8001")]
    Region { given: String, wrong: String },
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
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for given in &flags.region {
        let bad = |wrong: &str| ElsewhereError::Region {
            given: given.clone(),
            wrong: wrong.to_owned(),
        };
        let (name, url) = given
            .split_once('=')
            .ok_or_else(|| bad("there is no `=` in it"))?;
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if name.is_empty() || !name.chars().all(is_letter) {
            return Err(bad("a name has letters, digits and dashes"));
        }
        if names.iter().any(|known| known == name) {
            return Err(bad("it is named twice"));
        }
        addresses.push(address(url).map_err(bad)?);
        names.push(name.to_owned());
    }
    Ok(Some(Elsewhere { names, addresses }))
}

fn address(url: &str) -> Result<SocketAddr, &'static str> {
    let host = url
        .strip_prefix("http://")
        .ok_or("only http:// is spoken")?;
    let host = host.trim_end_matches('/');
    let with_port = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut all = with_port
        .to_socket_addrs()
        .map_err(|_| "host and port lead nowhere")?;
    all.next().ok_or("host and port lead nowhere")
}
