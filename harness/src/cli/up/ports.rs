//! Which port is whose: the gateway's first, then one for each region in order.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// The fixed ports of a cluster, free a moment ago.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) gateway: SocketAddr,
    pub(super) regions: Vec<SocketAddr>,
}

impl Ports {
    /// The ports from this one on.
    ///
    /// # Errors
    /// Which cannot be had, for whom, and what to do.
    pub(super) fn choose(first: u16, regions: &[String]) -> Result<Ports, String> {
        let count = u16::try_from(regions.len()).expect("at most twelve regions");
        if first == 0 || first > u16::MAX - count {
            let highest = u16::MAX - count;
            return Err(format!(
                "--port {first}: the gateway and {count} regions need {} ports from there; give 1 to {highest}",
                count + 1
            ));
        }
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ports = Ports {
            gateway: address(first),
            regions: (first + 1..=first + count).map(address).collect(),
        };
        check(ports.gateway, "the gateway")?;
        for (address, region) in ports.regions.iter().zip(regions) {
            check(*address, region)?;
        }
        Ok(ports)
    }
}

fn check(address: SocketAddr, whose: &str) -> Result<(), String> {
    let port = address.port();
    let Err(error) = TcpListener::bind(address) else {
        return Ok(());
    };
    let wrong = if error.kind() == ErrorKind::AddrInUse {
        "is in use".to_owned()
    } else {
        format!("cannot be listened on ({error})")
    };
    Err(format!(
        "port {port}, which {whose} would get, {wrong}; choose another first port, for example --port {}",
        if port < 50_000 {
            9000.max(port / 1000 * 1000 + 1000)
        } else {
            9000
        }
    ))
}
