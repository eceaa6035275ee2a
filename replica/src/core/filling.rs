//! A replica of version 2019.11.21 that has just been made: it is `CREATING` and serves no items until it holds what its peers held.
//!
//! Every member feeds its own rows to who joins (`upkeep`), and says with each batch which tables it has not fed to the end. Once it knows of the new
//! member and names the table no more, everything is here when its feed is consumed to where it ended then. What departed lives had written comes by
//! anti-entropy. When all of it has come the table is `ACTIVE`, and stays so.

use super::message::FeedBatch;
use super::rows::Origin;
use super::{Core, Effects, Region};

impl Core {
    /// The tables whose rows this region has not fed to the end, as its peers may be told.
    pub(super) fn refeeding(&self) -> Vec<String> {
        let durable = self.feed.head.durable;
        let tables = self.tables.values();
        let refeeding = tables.filter(|table| table.row.refeed || table.refed_through > durable);
        refeeding.map(|table| table.name().to_owned()).collect()
    }

    /// The tables that are not whole here.
    pub(super) fn filling(&self) -> Vec<String> {
        let tables = self.tables.values().filter(|table| table.row.is_filling);
        tables.map(|table| table.name().to_owned()).collect()
    }

    /// Takes note of what a peer says of its tables.
    pub(super) fn note_filling(&mut self, batch: &FeedBatch<'_>) {
        let me = self.me();
        if let Some(peer) = self.peers.get_mut(&batch.from.region) {
            peer.filling = batch.filling.iter().cloned().collect();
            for group in batch.groups.iter().filter(|group| group.has(&batch.from)) {
                peer.unaware.remove(&group.name);
            }
        }
        let knowing = batch.groups.iter().filter(|group| group.has(&me));
        for group in knowing.filter(|group| !batch.refeeding.contains(&group.name)) {
            let table = self.tables.get_mut(&group.name);
            if let Some(table) = table.filter(|table| table.row.is_filling) {
                let fed = table.fed_by.entry(batch.from.clone());
                fed.or_insert(batch.report.head);
            }
        }
    }

    /// Regions were made replicas of a table. Until each says that it knows, what it says of its tables was said before.
    pub(super) fn expect_filling(&mut self, name: &str, joined: &[Region]) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        for region in joined {
            let is_founder = group.members.get(region).is_some_and(|it| it.is_founder);
            if let Some(peer) = self.peers.get_mut(region).filter(|_| !is_founder) {
                peer.unaware.insert(name.to_owned());
            }
        }
    }

    /// Makes tables active of which everything has come.
    pub(super) fn activate_whole(&mut self, effects: &mut Effects) {
        let names = self.filling();
        let whole: Vec<String> = names.into_iter().filter(|it| self.is_whole(it)).collect();
        if whole.is_empty() {
            return;
        }
        let mut writes = Vec::new();
        for name in &whole {
            if let Some(table) = self.tables.get_mut(name) {
                table.row.is_filling = false;
                table.fed_by.clear();
                writes.push(table.save());
            }
        }
        let commit = self.commit(writes, effects);
        for name in &whole {
            if let Some(table) = self.tables.get_mut(name) {
                table.commit = commit;
            }
        }
        for peer in self.peers.values_mut() {
            // They show it as a replica that is being created until they hear of it.
            peer.last_sent_ns = None;
        }
    }

    fn is_whole(&self, name: &str) -> bool {
        let Some((table, group)) = self.tables.get(name).zip(self.groups.get(name)) else {
            return true;
        };
        let others = group
            .present()
            .filter(|(region, _)| **region != self.config.region);
        let mut others = others.filter(|(region, _)| self.peers.contains_key(*region));
        let is_fed = others.all(|(region, member)| {
            let life = Origin {
                region: region.clone(),
                incarnation: member.incarnation,
            };
            let consumed = self.consumed.get(&life).map_or(0, |mark| mark.durable);
            let fed_by = table.fed_by.get(&life);
            fed_by.is_some_and(|head| consumed.max(member.base) >= *head)
        });
        is_fed && self.unpulled(name).is_empty()
    }

    /// Whether a replica in another region is not whole yet, as far as it has told.
    pub(super) fn is_filling_at(&self, name: &str, region: &Region) -> bool {
        let peer = self.peers.get(region);
        peer.is_some_and(|peer| peer.unaware.contains(name) || peer.filling.contains(name))
    }
}
