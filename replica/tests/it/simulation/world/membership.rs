//! Regions that leave, are lost with their disks, and come back.
//!
//! Region 0 stays and is asked for every change. In version 2017.11.29 a region that left cannot come back, since its table holds data; in version
//! 2019.11.21 it is made again, also under the name of one that was lost.

use super::*;

/// The region that leaves in version 2017.11.29.
const LEAVER: usize = 2;

impl World {
    pub(super) fn create_replicas(&mut self, table: &str) {
        self.ask(0, parse("CreateTable", table))
            .expect("the table is created");
        for region in [1, 2] {
            self.change_until_done(&update_body("Create", region));
        }
    }

    /// A change is refused while the one before it is under way.
    fn change_until_done(&mut self, body: &str) {
        for _ in 0..200 {
            match self.ask(0, parse("UpdateTable", body)) {
                Err(reason)
                    if reason.contains("being updated") || reason.contains("is being changed") =>
                {
                    self.pass(300 * MS);
                }
                Ok(_) | Err(_) => return,
            }
        }
        panic!("a change of the members never came to its end");
    }

    fn pass(&mut self, ns: u64) {
        let end = self.now_ns + ns;
        while self.now_ns < end {
            self.next();
        }
    }

    /// One change of the members, or a disk that is lost.
    pub(super) fn change_members(&mut self) {
        let region = match self.membership {
            Membership::Fixed => return,
            Membership::Leaving => LEAVER,
            Membership::Changing => 1 + self.draws.index(2),
        };
        let kind = self.draws.below(8);
        if kind == 0 {
            self.lose(region);
            return;
        }
        if self.places[0].core.is_none() {
            return;
        }
        match (self.membership, kind) {
            (Membership::Leaving, 1) => {
                self.request(0, parse("UpdateGlobalTable", &leave_body()));
            }
            (Membership::Changing, 1 | 2) => {
                self.request(0, parse("UpdateTable", &update_body("Delete", region)));
            }
            (Membership::Changing, 3 | 4) => {
                self.request(0, parse("UpdateTable", &update_body("Create", region)));
            }
            (Membership::Fixed | Membership::Leaving | Membership::Changing, _) => {}
        }
    }

    /// The disk is gone; what comes back under its name is somebody else.
    fn lose(&mut self, region: usize) {
        self.crash(region);
        let place = &mut self.places[region];
        place.store = MemoryStore::new();
        place.is_lost = true;
    }

    /// The operators clean up: who was lost is removed, and made again where that is possible.
    pub(super) fn mend_members(&mut self) {
        match self.membership {
            Membership::Fixed => {}
            Membership::Leaving => {
                // It may have left before.
                let _ = self.ask(0, parse("UpdateGlobalTable", &leave_body()));
            }
            Membership::Changing => {
                for region in [1, 2] {
                    if self.places[region].is_lost {
                        self.change_until_done(&update_body("Delete", region));
                        self.change_until_done(&update_body("Create", region));
                    }
                }
            }
        }
    }

    /// Who is a member in the end.
    pub(super) fn members(&self) -> Vec<usize> {
        let core = self.places[0].core.as_ref().expect("all are healed");
        let status = core.status(self.now(0));
        let replicas = &status.tables["table"].replicas;
        let is_member =
            |place: &usize| *place == 0 || replicas.iter().any(|it| it == NAMES[*place]);
        (0..NAMES.len()).filter(is_member).collect()
    }

    /// A region that was renewed asks its clients to come again while its rows move.
    fn delete_until_done(&mut self, body: &str) {
        for _ in 0..200 {
            match self.ask(0, parse("DeleteItem", body)) {
                Ok(_) => return,
                Err(reason) if reason.contains("still moves the rows") => self.pass(300 * MS),
                Err(reason) => panic!("a delete is served: {reason}"),
            }
        }
        panic!("a renewed region never finished to move its rows");
    }

    /// Deletes everything in the region that stayed: nothing may come back anywhere.
    pub(super) fn delete_everything(&mut self) {
        for key in 0..KEYS {
            let body = format!(r#"{{"TableName":"table","Key":{{"id":{{"S":"{key}"}}}}}}"#);
            self.delete_until_done(&body);
        }
    }
}

impl Clients {
    /// What was acknowledged by a region that leaves may leave with it.
    pub(super) fn expect(&mut self, membership: Membership) {
        self.leaver = (membership == Membership::Leaving).then_some(LEAVER);
    }
}

fn update_body(kind: &str, region: usize) -> String {
    let name = NAMES[region];
    format!(r#"{{"TableName":"table","ReplicaUpdates":[{{"{kind}":{{"RegionName":"{name}"}}}}]}}"#)
}

fn leave_body() -> String {
    let name = NAMES[LEAVER];
    format!(
        r#"{{"GlobalTableName":"table","ReplicaUpdates":[{{"Delete":{{"RegionName":"{name}"}}}}]}}"#
    )
}
