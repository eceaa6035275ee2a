//! Loopback ports of a run's own, for as long as it lasts.
//!
//! While a region is down nobody listens at its port, and another run on this machine that looks for ports just then would take it: the region could not come
//! back. So whoever finds a port also holds the UDP port of that number, which nobody here uses for anything else, and whoever looks for ports leaves out those of
//! which the UDP port is held. The system lets go of it when the process ends, however it ends.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    ops::Range,
};

use workloads::seed::Seed;

/// Ports that the system does not give out by itself (on Linux and most others those begin at 32768): while a region is down, no connection
/// can be given its port.
const PORTS: Range<u16> = 10_000..32_000;

/// Ports that no other run takes while this value lives.
pub(crate) struct Ports {
    addresses: Vec<SocketAddr>,
    _held: Vec<UdpSocket>,
}

impl Ports {
    /// Finds some that nobody uses, beginning anywhere.
    ///
    /// # Errors
    /// When there are not so many, or there is no randomness.
    pub(crate) fn find(count: usize) -> io::Result<Self> {
        // Not of the run's seed: two runs with one seed may go on side by side.
        let first = Seed(getrandom::u64()?)
            .stream("ports")
            .below(u64::from(PORTS.end - PORTS.start));
        Self::among(PORTS, first, count)
    }

    /// On the loopback interface.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Those of a range, from the so many-th on and around.
    fn among(range: Range<u16>, first: u64, count: usize) -> io::Result<Self> {
        let length = u64::from(range.end - range.start);
        let (mut addresses, mut held) = (Vec::new(), Vec::new());
        for step in 0..length {
            if addresses.len() == count {
                break;
            }
            let offset =
                u16::try_from((first + step) % length).expect("there are fewer ports than that");
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, range.start + offset));
            if let Ok(socket) = UdpSocket::bind(address)
                && TcpListener::bind(address).is_ok()
            {
                addresses.push(address);
                held.push(socket);
            }
        }
        if addresses.len() < count {
            let why = format!("only {} of {count} are free in {range:?}", addresses.len());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
        Ok(Self {
            addresses,
            _held: held,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_at_is_not_given_to_another_run() {
        let last = u64::from(PORTS.end - PORTS.start) - 2;
        let ours = Ports::among(PORTS, last, 4).expect("free ports, also past the last one");
        let theirs = Ports::among(PORTS, last, 4).expect("others");
        for address in ours.addresses() {
            assert!(PORTS.contains(&address.port()), "{address}");
            assert!(!theirs.addresses().contains(address), "{address}");
            TcpListener::bind(address).expect("a region of ours can come back");
        }
    }

    #[test]
    fn more_than_there_are_is_an_error() {
        let few = Ports::among(20_000..20_003, 0, 4);
        let error = few.err().expect("there are not so many");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(
            error.to_string().contains("of 4 are free in 20000..20003"),
            "{error}"
        );
    }
}
