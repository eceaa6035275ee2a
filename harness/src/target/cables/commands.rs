//! What `ip` and `tc` are told, and what the kernel's answers mean. Nothing here is run.

use std::net::Ipv4Addr;

use nix::unistd::Pid;
use serde_json::Value;

use crate::target::Loss;

/// A program and its arguments.
pub(super) type Line = Vec<String>;

/// One of the two cables to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cable {
    /// For everybody else: what proxies carry.
    Wire,
    /// For the harness: what no fault touches.
    Console,
}

/// Both.
pub(super) const CABLES: [Cable; 2] = [Cable::Wire, Cable::Console];

/// One end of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In the harness's namespace.
    Ours,
    /// In the region's.
    Theirs,
}

/// A way that packets go on a wire, by the hook of our end at which they can be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the region.
    Egress,
    /// From the region.
    Ingress,
}

/// Both.
pub(super) const WAYS: [Way; 2] = [Way::Egress, Way::Ingress];

impl Cable {
    /// How the region's end is called; ours has the region's number behind it.
    fn name(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Console => "console",
        }
    }

    /// Our end.
    pub(super) fn device(self, region: usize) -> String {
        format!("{}{region}", self.name())
    }

    /// The address at an end. The namespace is ours alone, so none can be taken.
    pub(super) fn address(self, region: usize, end: End) -> Ipv4Addr {
        let second = match self {
            Self::Wire => 77,
            Self::Console => 78,
        };
        let last = match end {
            End::Ours => 1,
            End::Theirs => 2,
        };
        let third = u8::try_from(region).expect("at most twelve regions");
        Ipv4Addr::new(10, second, third, last)
    }

    /// Makes it, between this namespace and that of a thread or process, and readies our end.
    pub(super) fn lay(self, region: usize, theirs: Pid) -> Vec<Line> {
        let (ours, name) = (self.device(region), self.name());
        let address = self.address(region, End::Ours);
        // A packet is what a real wire would carry: the kernel hands many at once to a virtual one.
        let mut lines = vec![
            line(&format!(
                "ip link add {ours} gso_max_segs 1 type veth peer name {name} netns {theirs}"
            )),
            line(&format!("ip address add {address}/30 dev {ours}")),
            line(&format!("ip link set {ours} up")),
        ];
        if self == Self::Wire {
            lines.push(line(&format!("tc qdisc add dev {ours} clsact")));
        }
        lines
    }

    /// Readies the other end; for the region's namespace.
    pub(super) fn connect(self, region: usize) -> Vec<Line> {
        let (name, address) = (self.name(), self.address(region, End::Theirs));
        vec![
            line(&format!("ip link set {name} gso_max_segs 1")),
            line(&format!("ip address add {address}/30 dev {name}")),
            line(&format!("ip link set {name} up")),
        ]
    }

    /// Takes it away, both ends.
    pub(super) fn take_up(self, region: usize) -> Line {
        line(&format!("ip link delete {}", self.device(region)))
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }

    /// How many of a thousand packets are lost on it.
    pub(super) fn per_mille(self, loss: Loss) -> u64 {
        match self {
            Self::Egress => loss.to_per_mille,
            Self::Ingress => loss.from_per_mille,
        }
    }

    /// Lets so many of a thousand packets be lost on it, instead of as many as before.
    pub(super) fn drop_packets(self, device: &str, per_mille: u64) -> Line {
        let name = self.name();
        let mut words = line(&format!(
            "tc filter replace dev {device} {name} protocol all prio 1 handle 1 bpf direct-action bytecode"
        ));
        words.push(bytecode(per_mille));
        words
    }

    /// Lets all pass. Fails where all passed already.
    pub(super) fn pass_packets(self, device: &str) -> Line {
        line(&format!(
            "tc filter delete dev {device} {} prio 1",
            self.name()
        ))
    }

    /// Prints nothing while all pass.
    pub(super) fn show(self, device: &str) -> Line {
        line(&format!("tc filter show dev {device} {}", self.name()))
    }
}

/// The loopback interface of a new namespace.
pub(super) fn loopback() -> Line {
    line("ip link set lo up")
}

/// Whatever a run takes of the machine, done once to a cable that leads nowhere.
pub(super) fn trial() -> Vec<Line> {
    vec![
        line("ip link add trial type veth peer name other"),
        line("tc qdisc add dev trial clsact"),
        Way::Egress.drop_packets("trial", 1),
        line("ip link delete trial"),
    ]
}

/// Prints what was counted at our end, as JSON.
pub(super) fn count(device: &str) -> Line {
    line(&format!("tc -s -j qdisc show dev {device}"))
}

fn line(words: &str) -> Line {
    words.split_whitespace().map(str::to_owned).collect()
}

/// Classic BPF that drops so many of a thousand packets, as `tc` takes it: the number of instructions, then each. It draws a number for each packet. ARP passes: where
/// it is lost the kernel tells who connects that there is no route, and a real machine that vanishes has no neighbour who would.
fn bytecode(per_mille: u64) -> String {
    let limit = u64::from(u32::MAX) * per_mille.min(1000) / 1000;
    let instructions = [
        // The protocol, in the Ethernet header.
        "40 0 0 12".to_owned(),
        "21 3 0 2054".to_owned(),
        // A random number: the kernel keeps it behind an address that no packet has.
        "32 0 0 4294963256".to_owned(),
        // Above the limit pass (TC_ACT_OK), else drop (TC_ACT_SHOT).
        format!("37 1 0 {limit}"),
        "6 0 0 2".to_owned(),
        "6 0 0 0".to_owned(),
    ];
    format!("{},{}", instructions.len(), instructions.join(","))
}

/// What the filters of a wire have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// All packets, while there was a filter.
    pub(super) packets: u64,
    /// Those that were dropped.
    pub(super) drops: u64,
}

impl Counts {
    /// Reads what [`count`] printed.
    pub(super) fn read(printed: &str) -> Option<Self> {
        let disciplines: Vec<Value> = serde_json::from_str(printed).ok()?;
        let mut of_filters = disciplines.iter().filter(|one| one["kind"] == "clsact");
        let counted = of_filters.next()?;
        Some(Self {
            packets: counted["packets"].as_u64()?,
            drops: counted["drops"].as_u64()?,
        })
    }

    /// What was counted since then.
    pub(super) fn since(self, then: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(then.packets),
            drops: self.drops.saturating_sub(then.drops),
        }
    }
}

/// How many connections to this address wait until they send again what was lost, by the table in `/proc/net/tcp`.
pub(super) fn held_back(table: &str, remote: Ipv4Addr) -> usize {
    const SYN_SENT: &str = "02";
    // The address is printed as the number that it is in memory.
    let remote = format!("{:08X}:", u32::from_ne_bytes(remote.octets()));
    let waits = |row: &&str| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let [_, _, to, state, _, _, retransmissions, ..] = fields.as_slice() else {
            return false;
        };
        let again = u32::from_str_radix(retransmissions, 16).is_ok_and(|count| count > 0);
        to.starts_with(&remote) && (*state == SYN_SENT || again)
    };
    table.lines().skip(1).filter(waits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_each_cable_has_an_address_of_its_own() {
        let ends = [End::Ours, End::Theirs];
        let all = (0..12).flat_map(|region| {
            let cables = CABLES.into_iter();
            cables.flat_map(move |cable| ends.map(|end| cable.address(region, end)))
        });
        let mut all: Vec<Ipv4Addr> = all.collect();
        assert_eq!(
            all[..2],
            [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)]
        );
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 48);
    }

    #[test]
    fn cables_are_laid_by_these_commands() {
        let mut lines = Cable::Wire.lay(2, Pid::from_raw(7));
        lines.extend(Cable::Console.connect(2));
        lines.push(Way::Ingress.drop_packets("wire2", 250));
        let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        ip link add wire2 gso_max_segs 1 type veth peer name wire netns 7
        ip address add 10.77.2.1/30 dev wire2
        ip link set wire2 up
        tc qdisc add dev wire2 clsact
        ip link set console gso_max_segs 1
        ip address add 10.78.2.2/30 dev console
        ip link set console up
        tc filter replace dev wire2 ingress protocol all prio 1 handle 1 bpf direct-action bytecode 6,40 0 0 12,21 3 0 2054,32 0 0 4294963256,37 1 0 1073741823,6 0 0 2,6 0 0 0
        ");
    }

    /// Runs the program on a packet with this protocol, when this number is drawn; says whether it passes.
    fn passes(program: &str, protocol: u64, drawn: u64) -> bool {
        let numbers = |text: &str| -> Vec<u64> {
            text.split(' ')
                .map(|number| number.parse().unwrap())
                .collect()
        };
        let mut parts = program.split(',');
        let count: usize = parts.next().unwrap().parse().unwrap();
        let program: Vec<Vec<u64>> = parts.map(numbers).collect();
        assert_eq!(program.len(), count);
        let (mut at, mut value) = (0, 0);
        loop {
            let [code, yes, no, operand] = program[at][..] else {
                panic!("four numbers")
            };
            let jump = |is_so: bool| usize::try_from(if is_so { yes } else { no }).unwrap();
            at += 1;
            match code {
                40 => value = protocol,
                32 => value = drawn,
                21 => at += jump(value == operand),
                37 => at += jump(value > operand),
                6 => return operand == 0,
                _ => panic!("{code}"),
            }
        }
    }

    #[test]
    fn the_program_drops_its_share_of_all_but_arp() {
        const IP: u64 = 0x0800;
        let highest = u64::from(u32::MAX);
        assert!(!passes(&bytecode(1000), IP, highest), "nothing passes");
        assert!(passes(&bytecode(1000), 0x0806, 0), "but ARP");
        let quarter = bytecode(250);
        assert!(!passes(&quarter, IP, highest / 4 - 1));
        assert!(passes(&quarter, IP, highest / 4 + 1));
    }

    #[test]
    fn what_tc_counts_is_read() {
        let printed = r#"[{"kind":"noqueue","packets":0,"drops":0},
            {"kind":"clsact","handle":"ffff:","options":{},"bytes":9,"packets":307,"drops":158}]"#;
        let counts = Counts::read(printed).unwrap();
        let (packets, drops) = (307, 158);
        assert_eq!(counts, Counts { packets, drops });
        let since = counts.since(Counts {
            packets: 300,
            drops: 158,
        });
        assert_eq!((since.packets, since.drops), (7, 0));
        assert_eq!(Counts::read("[]"), None);
    }

    #[test]
    fn connections_that_wait_to_send_again_are_counted() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 01024D0A:C001 02024D0A:1F40 01 00000063:00000000 01:00000014 00000003     0        0 2 1 0 100 0 0 10 0
   2: 01024D0A:C002 02024D0A:1F40 02 00000001:00000000 01:00000014 00000000     0        0 3 1 0 100 0 0 10 0
   3: 01024D0A:C003 02024D0A:1F40 01 00000063:00000000 01:00000014 00000000     0        0 4 1 0 100 0 0 10 0
   4: 01034D0A:C004 02034D0A:1F40 01 00000063:00000000 01:00000014 00000003     0        0 5 1 0 100 0 0 10 0
";
        assert_eq!(held_back(table, Ipv4Addr::new(10, 77, 2, 2)), 2);
        assert_eq!(held_back(table, Ipv4Addr::new(10, 77, 3, 2)), 1);
        assert_eq!(held_back(table, Ipv4Addr::new(10, 77, 4, 2)), 0);
    }
}
