//! Which addresses the regions of a run have, and what the names in a template come to there.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use super::place::Place;
use crate::{
    proxy::Network,
    target::{Meaning, Ports, Wiring, console, gateway, wire},
    topology::End,
};

/// The loopback addresses of servers that need one each: 127.0.1.1, 127.0.1.2 and so on.
const OWN_HOSTS: [u8; 3] = [127, 0, 1];

/// Addresses by region.
pub(super) struct Sites {
    /// For clients.
    clients: Vec<SocketAddr>,
    /// For other regions.
    peers: Vec<SocketAddr>,
    /// For us, past every proxy and every fault.
    ours: Vec<SocketAddr>,
    /// Whether regions have networks of their own.
    wiring: Wiring,
    /// Whether regions come through gates, which tell them apart by their hosts.
    has_gates: bool,
    /// Those of processes here, so that no other run takes one whose process is down.
    _held: Option<Ports>,
}

impl Sites {
    /// Finds free ports, or takes the addresses that a region elsewhere has.
    pub(super) fn find(place: &Place, count: usize) -> Result<Self, String> {
        let free = |count| {
            Ports::find(count)
                .map_err(|error| format!("no free ports on the loopback interface: {error}"))
        };
        let alike = |addresses: Vec<SocketAddr>| Self {
            peers: addresses.clone(),
            ours: addresses.clone(),
            clients: addresses,
            wiring: Wiring::Loopback,
            has_gates: false,
            _held: None,
        };
        Ok(match place {
            Place::Local {
                wiring: Wiring::Namespaces,
                ..
            } => Self {
                ours: (0..count).map(console).collect(),
                wiring: Wiring::Namespaces,
                ..alike((0..count).map(wire).collect())
            },
            Place::Local { .. } => {
                let ports = free(count)?;
                let addresses = ports.addresses().to_vec();
                Self {
                    _held: Some(ports),
                    ..alike(addresses)
                }
            }
            Place::Endpoints { elsewhere, .. } => alike(
                elsewhere
                    .regions
                    .iter()
                    .map(|region| region.address)
                    .collect(),
            ),
            Place::Command { template, .. } => {
                let ports = free(2 * count)?;
                let mut clients = ports.addresses().to_vec();
                if template.mentions("{host}") {
                    own_hosts(&mut clients, count);
                }
                let second = clients.split_off(count);
                let peers = if template.mentions("{peer_port}") {
                    second
                } else {
                    clients.clone()
                };
                Self {
                    ours: clients.clone(),
                    wiring: Wiring::Loopback,
                    clients,
                    peers,
                    has_gates: template.mentions("{gate}"),
                    _held: Some(ports),
                }
            }
        })
    }

    /// Where we reach each region, past every proxy.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.ours.clone()
    }

    /// Where who opens connections there finds our proxies.
    pub(super) fn found_at(&self, from: End) -> IpAddr {
        match (self.wiring, from) {
            (Wiring::Loopback, _) | (_, End::Client) => Ipv4Addr::LOCALHOST.into(),
            (Wiring::Namespaces, End::Region(from)) => gateway(from),
        }
    }

    /// Where a link leads.
    pub(super) fn upstream(&self, from: End, to: usize) -> SocketAddr {
        match from {
            End::Client => self.clients[to],
            End::Region(_) => self.peers[to],
        }
    }

    /// The hosts of regions that come through gates.
    pub(super) fn gated_hosts(&self) -> Vec<IpAddr> {
        let hosts = self.peers.iter().map(SocketAddr::ip);
        hosts.filter(|_| self.has_gates).collect()
    }

    /// What the names in braces stand for in each region's server.
    pub(super) fn meanings(
        &self,
        names: &[String],
        network: &Network,
        data: &Path,
    ) -> Vec<Meaning> {
        let links: Vec<(End, usize)> = network.links().map(|(from, to, _)| (from, to)).collect();
        let peers = |from: usize| {
            let others = (0..names.len()).filter(|to| links.contains(&(End::Region(from), *to)));
            let address = |to| network.address(End::Region(from), to);
            others
                .map(|to| format!("{}={}", names[to], address(to)))
                .collect::<Vec<_>>()
                .join(",")
        };
        let meaning = |(index, region): (usize, &String)| Meaning {
            port: self.clients[index].port(),
            host: self.clients[index].ip(),
            peer_port: self.peers[index].port(),
            gate: network.gate(index).map_or(0, |gate| gate.port()),
            peers: peers(index),
            data_dir: data.join(region),
            region: region.clone(),
        };
        names.iter().enumerate().map(meaning).collect()
    }
}

/// Gives each region a loopback address of its own; the ports stay.
fn own_hosts(addresses: &mut [SocketAddr], count: usize) {
    for (index, address) in addresses.iter_mut().enumerate() {
        let [a, b, c] = OWN_HOSTS;
        let last = u8::try_from(index % count + 1).expect("at most twelve regions");
        address.set_ip(Ipv4Addr::new(a, b, c, last).into());
    }
}
