//! A disk's names, and what of them a power loss forgets: every change of a folder that was not synced, and every byte of a file that was not.
//!
//! This is as hard as the standard allows: syncing a new file makes its bytes durable, not its name; the name is durable when its folder was synced. A move
//! from one folder to another is one change: whoever syncs either has synced it. Pure: the bytes lie with the shell, in a file for each number.
//!
//! A name that changes leaves what it meant before in `undo` until the folder is synced. What neither a name nor an `undo` holds, and nobody has
//! open, is garbage, and the shell is told to remove it. Absent: links, hard and symbolic, and anything but files and folders.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

use workloads::seed::Stream;

use super::content::{Content, Restored};

/// The number of the outermost folder.
pub(super) const ROOT: u64 = 1;

/// All names and files.
#[derive(Debug)]
pub(super) struct Image {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    garbage: Vec<u64>,
}

/// A file or a folder.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Permissions, which nobody checks and a power loss leaves alone.
    pub(super) mode: u16,
    /// By how many names and undos it is held.
    holders: u32,
    /// How often it is open.
    opened: u32,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    /// With bytes.
    File(Content),
    /// With names.
    Folder(Folder),
}

/// Names.
#[derive(Debug, Default)]
pub(super) struct Folder {
    entries: BTreeMap<OsString, u64>,
    /// What names meant when the folder was last synced, where that is something else.
    undo: BTreeMap<OsString, Option<u64>>,
    /// Folders with which it has exchanged nodes since then.
    tied: BTreeSet<u64>,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is nothing of that name or number.
    Missing,
    /// There is something already.
    Exists,
    /// It is a file.
    NoFolder,
    /// It is a folder.
    IsFolder,
    /// The folder holds something.
    NotEmpty,
}

/// What a power loss took.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    /// How files go back.
    pub(super) restored: Vec<(u64, Restored)>,
    /// How many names went back to what they had meant.
    pub(super) names: u64,
}

impl Image {
    /// An empty disk.
    pub(super) fn new() -> Self {
        let root = Node {
            kind: Kind::Folder(Folder::default()),
            mode: 0o755,
            holders: 1,
            opened: 0,
        };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            garbage: Vec::new(),
        }
    }

    pub(super) fn node(&self, number: u64) -> Result<&Node, Wrong> {
        self.nodes.get(&number).ok_or(Wrong::Missing)
    }

    pub(super) fn node_mut(&mut self, number: u64) -> Result<&mut Node, Wrong> {
        self.nodes.get_mut(&number).ok_or(Wrong::Missing)
    }

    fn folder(&self, number: u64) -> Result<&Folder, Wrong> {
        match &self.node(number)?.kind {
            Kind::Folder(folder) => Ok(folder),
            Kind::File(_) => Err(Wrong::NoFolder),
        }
    }

    fn folder_mut(&mut self, number: u64) -> Result<&mut Folder, Wrong> {
        match &mut self.node_mut(number)?.kind {
            Kind::Folder(folder) => Ok(folder),
            Kind::File(_) => Err(Wrong::NoFolder),
        }
    }

    /// The bytes of a file.
    pub(super) fn content(&mut self, number: u64) -> Result<&mut Content, Wrong> {
        match &mut self.node_mut(number)?.kind {
            Kind::File(content) => Ok(content),
            Kind::Folder(_) => Err(Wrong::IsFolder),
        }
    }

    /// All files, by number.
    pub(super) fn files(&self) -> impl Iterator<Item = (u64, &Content)> {
        self.nodes
            .iter()
            .filter_map(|(number, node)| match &node.kind {
                Kind::File(content) => Some((*number, content)),
                Kind::Folder(_) => None,
            })
    }

    /// What a name means.
    pub(super) fn lookup(&self, folder: u64, name: &OsStr) -> Result<u64, Wrong> {
        let entries = &self.folder(folder)?.entries;
        entries.get(name).copied().ok_or(Wrong::Missing)
    }

    /// Everything in a folder.
    pub(super) fn list(&self, folder: u64) -> Result<Vec<(OsString, u64)>, Wrong> {
        let entries = self.folder(folder)?.entries.iter();
        Ok(entries.map(|(name, it)| (name.clone(), *it)).collect())
    }

    /// A new file or folder.
    pub(super) fn make(
        &mut self,
        folder: u64,
        name: &OsStr,
        kind: Kind,
        mode: u16,
    ) -> Result<u64, Wrong> {
        if self.folder(folder)?.entries.contains_key(name) {
            return Err(Wrong::Exists);
        }
        let number = self.next;
        self.next += 1;
        let node = Node {
            kind,
            mode,
            holders: 0,
            opened: 0,
        };
        self.nodes.insert(number, node);
        self.point(folder, name, Some(number));
        Ok(number)
    }

    /// Takes a file's name away.
    pub(super) fn unlink(&mut self, folder: u64, name: &OsStr) -> Result<(), Wrong> {
        let number = self.lookup(folder, name)?;
        if self.folder(number).is_ok() {
            return Err(Wrong::IsFolder);
        }
        self.point(folder, name, None);
        Ok(())
    }

    /// Takes an empty folder's name away.
    pub(super) fn remove_folder(&mut self, folder: u64, name: &OsStr) -> Result<(), Wrong> {
        let number = self.lookup(folder, name)?;
        if !self.folder(number)?.entries.is_empty() {
            return Err(Wrong::NotEmpty);
        }
        self.point(folder, name, None);
        Ok(())
    }

    /// Gives something another name, in place of what had it.
    pub(super) fn rename(
        &mut self,
        (from, name): (u64, &OsStr),
        (to, new_name): (u64, &OsStr),
    ) -> Result<(), Wrong> {
        let number = self.lookup(from, name)?;
        match self.lookup(to, new_name) {
            Ok(replaced) if replaced == number => return Ok(()),
            Ok(replaced) => match (self.folder(number), self.folder(replaced)) {
                (Ok(_), Ok(replaced)) if !replaced.entries.is_empty() => {
                    return Err(Wrong::NotEmpty);
                }
                (Ok(_), Err(_)) => return Err(Wrong::NoFolder),
                (Err(_), Ok(_)) => return Err(Wrong::IsFolder),
                (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            },
            Err(Wrong::Missing) => {}
            Err(other) => return Err(other),
        }
        self.point(to, new_name, Some(number));
        self.point(from, name, None);
        if from != to {
            self.folder_mut(from)?.tied.insert(to);
            self.folder_mut(to)?.tied.insert(from);
        }
        Ok(())
    }

    /// Lets a name mean this from now on, and remembers what it meant.
    fn point(&mut self, folder: u64, name: &OsStr, number: Option<u64>) {
        if let Some(number) = number {
            self.node_mut(number).expect("names lead to nodes").holders += 1;
        }
        let names = self.folder_mut(folder).expect("callers have looked");
        let before = match number {
            Some(number) => names.entries.insert(name.to_owned(), number),
            None => names.entries.remove(name),
        };
        let released = if names.undo.contains_key(name) {
            before
        } else {
            names.undo.insert(name.to_owned(), before);
            None
        };
        if let Some(released) = released {
            self.let_go(released);
        }
    }

    /// One holder less.
    fn let_go(&mut self, number: u64) {
        let node = self.node_mut(number).expect("what is held is there");
        node.holders -= 1;
        self.bury(number);
    }

    /// Removes what nobody holds and nobody has open, with all below it.
    fn bury(&mut self, number: u64) {
        let is_dead = |node: &Node| node.holders == 0 && node.opened == 0;
        if !self.nodes.get(&number).is_some_and(is_dead) {
            return;
        }
        let node = self.nodes.remove(&number).expect("just seen");
        match node.kind {
            Kind::File(_) => self.garbage.push(number),
            Kind::Folder(folder) => {
                let undone = folder.undo.into_values().flatten();
                for held in folder.entries.into_values().chain(undone) {
                    self.let_go(held);
                }
            }
        }
    }

    /// It is open once more.
    pub(super) fn open(&mut self, number: u64) -> Result<(), Wrong> {
        self.node_mut(number)?.opened += 1;
        Ok(())
    }

    /// It is open once less.
    pub(super) fn close(&mut self, number: u64) {
        if let Ok(node) = self.node_mut(number) {
            node.opened = node.opened.saturating_sub(1);
            self.bury(number);
        }
    }

    /// Files that are gone for good since the last time that somebody asked.
    pub(super) fn take_garbage(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.garbage)
    }

    /// Makes a file's bytes or a folder's names durable.
    pub(super) fn sync(&mut self, number: u64) -> Result<(), Wrong> {
        if let Kind::File(content) = &mut self.node_mut(number)?.kind {
            content.sync();
            return Ok(());
        }
        let mut left = vec![number];
        while let Some(number) = left.pop() {
            // A folder that is gone by now has no names to sync.
            let Ok(folder) = self.folder_mut(number) else {
                continue;
            };
            left.extend(std::mem::take(&mut folder.tied));
            let undo = std::mem::take(&mut folder.undo);
            undo.into_values()
                .flatten()
                .for_each(|held| self.let_go(held));
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn sync_all(&mut self) {
        let numbers: Vec<u64> = self.nodes.keys().copied().collect();
        for number in numbers {
            // What an earlier one buried needs it no more.
            let _ = self.sync(number);
        }
    }

    /// Forgets what was not synced. With draws, some of it survives: of names all or none, as a journal of the file system would have it.
    pub(super) fn lose_power(&mut self, mut draws: Option<&mut Stream>) -> Loss {
        let mut loss = Loss::default();
        let keeps_names = draws.as_mut().is_some_and(|draws| draws.below(2) == 1);
        let numbers: Vec<u64> = self.nodes.keys().copied().collect();
        if keeps_names {
            for number in &numbers {
                if self.folder(*number).is_ok() {
                    let _ = self.sync(*number);
                }
            }
        }
        for number in numbers {
            let Ok(folder) = self.folder_mut(number) else {
                continue;
            };
            folder.tied.clear();
            for (name, meant) in std::mem::take(&mut folder.undo) {
                loss.names += 1;
                self.put_back(number, name, meant);
            }
        }
        for (number, node) in &mut self.nodes {
            if let Kind::File(content) = &mut node.kind
                && let Some(restored) = content.lose_power(draws.as_deref_mut())
            {
                loss.restored.push((*number, restored));
            }
        }
        loss
    }

    /// The undo's hold on what a name meant becomes the name's again.
    fn put_back(&mut self, folder: u64, name: OsString, meant: Option<u64>) {
        let released = match self.folder_mut(folder) {
            Ok(folder) => match meant {
                Some(number) => folder.entries.insert(name, number),
                None => folder.entries.remove(&name),
            },
            // Its own name was forgotten a moment ago.
            Err(_) => meant,
        };
        if let Some(released) = released {
            self.let_go(released);
        }
    }
}

#[cfg(test)]
mod tests;
