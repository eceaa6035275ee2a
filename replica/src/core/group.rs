//! Global tables: which regions are members, as a register per region in which the last writer wins.
//!
//! Every region keeps every global table's record and passes it on with its heartbeats, so that membership converges by itself after a partition,
//! whichever region coordinated the change and whoever missed it. A member is a region *and its incarnation*: a region that lost its directory
//! and comes back under its name is not the member.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::peer::Link;
use super::rows::{self, Origin, named};
use super::settings::Settings;
use super::{Core, Effects, Now, Region, TableDefinition};
use crate::store::Write;

/// When a membership was decided, and by whom: the order of the registers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) time_us: i64,
    pub(super) by: Region,
}

/// Which rules a global table follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum GlobalVersion {
    /// 2017.11.29.
    Legacy,
    /// 2019.11.21.
    Current,
}

/// The time-to-live setting that all replicas of version 2019.11.21 share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SharedExpiry {
    pub(super) decided: Decided,
    pub(super) attribute: Option<String>,
}

/// What was last decided about one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) incarnation: u64,
    pub(super) present: bool,
    pub(super) decided: Decided,
    /// Greatest floor of any member when it joined: what was collected before lies below.
    pub(super) floor_us: i64,
    /// Where its feed ended when it joined: what lies before is of a former membership.
    pub(super) base: u64,
    /// Version 2019.11.21: whether it had the table that the others were made from.
    pub(super) is_founder: bool,
}

impl Member {
    /// What decides between two records of a region. A region that was rolled back to before its renewal may decide on its next one at the time of the
    /// first: the incarnations tell the two apart, the same way everywhere.
    pub(super) fn rank(&self) -> (&Decided, u64) {
        (&self.decided, self.incarnation)
    }
}

/// A global table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) created: Decided,
    /// As of `created`.
    pub(super) version: GlobalVersion,
    /// Version 2019.11.21: what a new replica's table is like. As of `created`.
    pub(super) definition: Option<TableDefinition>,
    pub(super) expiry: Option<SharedExpiry>,
    /// Whether anybody has ever left: what the departed wrote spreads by anti-entropy.
    pub(super) has_lost_members: bool,
    pub(super) members: BTreeMap<Region, Member>,
    /// The capacity of each replica.
    pub(super) settings: BTreeMap<Region, Settings>,
}

impl Group {
    /// The regions that are members.
    pub(super) fn present(&self) -> impl Iterator<Item = (&Region, &Member)> {
        self.members.iter().filter(|(_, member)| member.present)
    }

    /// Whether this life of a region is a member.
    pub(super) fn has(&self, origin: &Origin) -> bool {
        self.members
            .get(&origin.region)
            .is_some_and(|member| member.present && member.incarnation == origin.incarnation)
    }

    /// Who the members are, in short.
    pub(super) fn view(&self) -> u64 {
        let bytes = postcard::to_stdvec(&self.members).expect("a vector takes every record");
        bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    /// The greatest decision time in it.
    pub(super) fn newest_us(&self) -> i64 {
        self.members
            .values()
            .map(|member| member.decided.time_us)
            .max()
            .unwrap_or(0)
    }

    /// Takes what is newer; says which regions joined by it, or `None` when nothing was.
    fn merge(&mut self, incoming: &Self) -> Option<Vec<Region>> {
        let mut changed = incoming.created > self.created;
        if changed {
            self.created = incoming.created.clone();
            self.version = incoming.version;
            self.definition = incoming.definition.clone();
        }
        if incoming.has_lost_members && !self.has_lost_members {
            changed = true;
            self.has_lost_members = true;
        }
        let decided = |expiry: &Option<SharedExpiry>| expiry.as_ref().map(|it| it.decided.clone());
        if decided(&incoming.expiry) > decided(&self.expiry) {
            changed = true;
            self.expiry = incoming.expiry.clone();
        }
        for (region, settings) in &incoming.settings {
            let known = self.settings.get(region);
            if known.is_none_or(|known| known.decided < settings.decided) {
                changed = true;
                self.settings.insert(region.clone(), settings.clone());
            }
        }
        let mut joined = Vec::new();
        for (region, member) in &incoming.members {
            let older = self
                .members
                .get(region)
                .is_none_or(|known| known.rank() < member.rank());
            if older {
                changed = true;
                if member.present {
                    joined.push(region.clone());
                }
                self.members.insert(region.clone(), member.clone());
            }
        }
        changed.then_some(joined)
    }
}

impl Core {
    /// This life of this region.
    pub(super) fn me(&self) -> Origin {
        Origin {
            region: self.config.region.clone(),
            incarnation: self.incarnation,
        }
    }

    /// Takes what is newer in these records, here and in everything that follows from it; asks for one commit when anything was.
    pub(super) fn adopt(&mut self, now: Now, incoming: &[Group], effects: &mut Effects) -> u64 {
        let mut writes = Vec::new();
        for group in incoming {
            self.follow_own_future(group, &mut writes, effects);
        }
        for group in incoming {
            self.adopt_one(now, group, &mut writes, effects);
        }
        if writes.is_empty() {
            // A peer is told "adopted" when it is durable, also when somebody else had brought it.
            return self.groups_commit;
        }
        self.relink(&mut writes);
        self.groups_commit = self.commit(writes, effects);
        self.groups_commit
    }

    pub(super) fn adopt_one(
        &mut self,
        now: Now,
        incoming: &Group,
        writes: &mut Vec<Write>,
        effects: &mut Effects,
    ) {
        let name = incoming.name.clone();
        let me = self.me();
        let known = self.groups.entry(name.clone()).or_insert_with(|| Group {
            name: name.clone(),
            created: incoming.created.clone(),
            version: incoming.version,
            definition: incoming.definition.clone(),
            expiry: None,
            has_lost_members: false,
            members: BTreeMap::new(),
            settings: BTreeMap::new(),
        });
        let Some(joined) = known.merge(incoming) else {
            return;
        };
        self.exchanges.restart(&name);
        self.expect_filling(&name, &joined);
        self.fit_table(now, &name, &joined, writes, effects);
        let Some(known) = self.groups.get(&name) else {
            return;
        };
        writes.push(rows::put(named(rows::GROUP, &name), known));
        let Some(table) = self.tables.get_mut(&name) else {
            return;
        };
        table.belong(Some(known), &me);
        // The commit that is about to be asked for.
        table.foreign_commit = self.ledger.last + 1;
        table.has_settled_departed = false;
        if let Some(member) = known.members.get(&me.region)
            && table.replicated
            && member.base > self.feed.head.decided
        {
            // A former life of this region gave positions that this one must not give again.
            self.feed.skip_to(member.base, writes);
        }
        if table.replicated
            && let Some(expiry) = &known.expiry
            && table.row.ttl != expiry.attribute
        {
            table.row.ttl = expiry.attribute.clone();
            writes.push(table.save());
        }
        let floor_us = known
            .present()
            .map(|(_, member)| member.floor_us)
            .max()
            .unwrap_or(0);
        if table.replicated {
            table.raise_floor(floor_us, writes);
        }
        if table.fed && !joined.is_empty() {
            table.row.refeed = true;
            table.refeed_after = None;
            writes.push(table.save());
            self.upkeep_due_ns = now.monotonic_ns;
        }
        self.fit_settings(&name, writes);
    }

    /// The members that a peer shares with this region: its incarnation there, when there is any.
    fn shared_incarnation(&self, peer: &Region) -> Option<u64> {
        let me = self.me();
        self.groups
            .values()
            .filter(|group| group.has(&me) && self.tables.contains_key(&group.name))
            .filter_map(|group| group.members.get(peer))
            .filter(|member| member.present)
            .map(|member| (&member.decided, member.incarnation))
            .max()
            .map(|(_, incarnation)| incarnation)
    }

    /// Begins and ends the flow to peers, as memberships now say.
    pub(super) fn relink(&mut self, writes: &mut Vec<Write>) {
        let regions: Vec<Region> = self.peers.keys().cloned().collect();
        for region in regions {
            let shared = self.shared_incarnation(&region);
            let head = self.feed.head.decided;
            let Some(peer) = self.peers.get_mut(&region) else {
                continue;
            };
            if peer.link.as_ref().map(|link| link.row.incarnation) == shared {
                continue;
            }
            peer.link = shared.map(|incarnation| Link::new(incarnation, head));
            // What it said was said by, or to, another life. It is asked at once: nothing else is sent before it has answered.
            peer.claimed = None;
            peer.knows_of_roll_back = false;
            peer.last_sent_ns = None;
            let key = named(rows::LINK, region.as_str());
            writes.push(match &peer.link {
                Some(link) => rows::put(key, &link.row),
                None => rows::remove(key),
            });
        }
    }

    /// What each table's membership is, from the records: after a start.
    pub(super) fn derive_memberships(&mut self) {
        let me = self.me();
        for (name, table) in &mut self.tables {
            table.belong(self.groups.get(name), &me);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group() -> impl Strategy<Value = Group> {
        let member = (0_usize..3, 0_i64..4, 0_usize..3, 1_u64..3);
        proptest::collection::vec(member, 0..4).prop_map(|members| {
            let region = |index: usize| Region::new(["a", "b", "c"][index]);
            Group {
                name: "t".to_owned(),
                created: Decided {
                    time_us: 0,
                    by: region(0),
                },
                version: GlobalVersion::Legacy,
                definition: None,
                expiry: None,
                has_lost_members: false,
                settings: BTreeMap::new(),
                members: members
                    .into_iter()
                    .map(|(of, time_us, by, incarnation)| {
                        let decided = Decided {
                            time_us,
                            by: region(by),
                        };
                        // What is decided follows from who decided when: one coordinator never decides two things at one time, but for a renewal.
                        let present = (time_us + i64::try_from(by).expect("small")) % 2 == 0;
                        (
                            region(of),
                            Member {
                                incarnation,
                                present,
                                decided,
                                floor_us: 0,
                                base: 0,
                                is_founder: false,
                            },
                        )
                    })
                    .collect(),
            }
        })
    }

    fn merged(a: &Group, b: &Group) -> Group {
        let mut a = a.clone();
        let _ = a.merge(b);
        a
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in group(), b in group(), c in group()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a);
        }
    }
}
