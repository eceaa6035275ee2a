//! A disk with its bytes: the image says what is what, the bytes of each file lie in a file of its number in a folder of ours.
//!
//! Nothing here is synced to the machine's own disk: it is the power of this disk that fails, not the machine's.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs, io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use nix::errno::Errno;
use workloads::seed::Seed;

use super::{
    content::Content,
    image::{Image, Kind, ROOT, Wrong},
    spoilt::{Spoiling, Spoilt, Unreadable},
};

/// A disk.
#[derive(Debug)]
pub(super) struct Disk {
    image: Image,
    /// Where the bytes lie.
    store: PathBuf,
    /// What is open, by number, and how often.
    open: HashMap<u64, (Arc<fs::File>, u32)>,
    /// What is wrong with it.
    spoilt: Spoilt,
    /// What folders say that they were changed at.
    made: SystemTime,
}

/// What a file or folder says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) number: u64,
    pub(super) is_folder: bool,
    pub(super) mode: u16,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
}

impl From<Wrong> for io::Error {
    fn from(wrong: Wrong) -> Self {
        let code = match wrong {
            Wrong::Missing => Errno::ENOENT,
            Wrong::Exists => Errno::EEXIST,
            Wrong::NoFolder => Errno::ENOTDIR,
            Wrong::IsFolder => Errno::EISDIR,
            Wrong::NotEmpty => Errno::ENOTEMPTY,
        };
        Self::from(code)
    }
}

impl Disk {
    /// An empty one, whose bytes will lie in this folder.
    pub(super) fn new(store: &Path) -> io::Result<Self> {
        fs::create_dir_all(store)?;
        Ok(Self {
            image: Image::new(),
            store: store.to_owned(),
            open: HashMap::new(),
            spoilt: Spoilt::default(),
            made: SystemTime::now(),
        })
    }

    pub(super) fn lookup(&self, folder: u64, name: &OsStr) -> io::Result<Stat> {
        self.stat(self.image.lookup(folder, name)?)
    }

    pub(super) fn stat(&self, number: u64) -> io::Result<Stat> {
        let node = self.image.node(number)?;
        let (length, modified) = match &node.kind {
            Kind::Folder(_) => (0, self.made),
            Kind::File(content) => (
                content.length(),
                fs::metadata(self.path(number))?.modified()?,
            ),
        };
        Ok(Stat {
            number,
            is_folder: matches!(node.kind, Kind::Folder(_)),
            mode: node.mode,
            length,
            modified,
        })
    }

    /// Names, what they mean, and whether that is a folder.
    pub(super) fn list(&self, folder: u64) -> io::Result<Vec<(std::ffi::OsString, u64, bool)>> {
        let list = self.image.list(folder)?.into_iter();
        let with_kind = list.map(|(name, number)| {
            let kind = &self.image.node(number)?.kind;
            Ok((name, number, matches!(kind, Kind::Folder(_))))
        });
        with_kind.collect::<Result<_, Wrong>>().map_err(Into::into)
    }

    pub(super) fn make_folder(&mut self, at: u64, name: &OsStr, mode: u16) -> io::Result<Stat> {
        let kind = Kind::Folder(super::image::Folder::default());
        let number = self.image.make(at, name, kind, mode)?;
        self.stat(number)
    }

    /// Makes a file and opens it.
    pub(super) fn make_file(&mut self, at: u64, name: &OsStr, mode: u16) -> io::Result<Stat> {
        let kind = Kind::File(Content::default());
        let number = self.image.make(at, name, kind, mode)?;
        let made = fs::File::create_new(self.path(number)).and_then(|_file| self.open(number));
        if let Err(error) = made {
            self.image.unlink(at, name)?;
            return Err(error);
        }
        self.stat(number)
    }

    pub(super) fn unlink(&mut self, folder: u64, name: &OsStr) -> io::Result<()> {
        self.image.unlink(folder, name)?;
        self.sweep()
    }

    pub(super) fn remove_folder(&mut self, folder: u64, name: &OsStr) -> io::Result<()> {
        self.image.remove_folder(folder, name)?;
        self.sweep()
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> io::Result<()> {
        self.image.rename(from, to)?;
        self.sweep()
    }

    /// Whether there is something of this name.
    pub(super) fn has(&self, folder: u64, name: &OsStr) -> bool {
        self.image.lookup(folder, name).is_ok()
    }

    pub(super) fn set_mode(&mut self, number: u64, mode: u16) -> io::Result<()> {
        self.image.node_mut(number)?.mode = mode;
        Ok(())
    }

    pub(super) fn set_modified(&mut self, number: u64, modified: SystemTime) -> io::Result<()> {
        match self.image.node(number)?.kind {
            Kind::File(_) => self.file(number)?.set_modified(modified),
            Kind::Folder(_) => Ok(()),
        }
    }

    /// Opens a file once more; [`Disk::close`] takes that back.
    pub(super) fn open(&mut self, number: u64) -> io::Result<()> {
        self.image.content(number)?;
        let file = self.file(number)?;
        self.image.open(number)?;
        self.open.entry(number).or_insert((file, 0)).1 += 1;
        Ok(())
    }

    pub(super) fn close(&mut self, number: u64) -> io::Result<()> {
        if let Some((_, times)) = self.open.get_mut(&number) {
            *times -= 1;
            if *times == 0 {
                self.open.remove(&number);
            }
        }
        self.image.close(number);
        self.sweep()
    }

    /// Reads as the disk does, spoilt blocks and all.
    pub(super) fn read(&mut self, number: u64, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = self.stored(number, offset, size)?;
        let met = self.spoilt.meet(number, offset, &mut bytes);
        met.map_err(|Unreadable| io::Error::from(Errno::EIO))?;
        Ok(bytes)
    }

    /// Spoils places of what was written; says how many blocks that hits.
    pub(super) fn spoil(&mut self, spoiling: Spoiling, places: u64, pick: u64) -> String {
        let files = self.image.files();
        let files = files.map(|(number, content)| (number, content.written()));
        let draws = &mut Seed(pick).stream("spoilt");
        self.spoilt = Spoilt::draw(spoiling, places, draws, files);
        match spoiling {
            Spoiling::Unreadable => format!("{} blocks are unreadable", self.spoilt.blocks()),
            Spoiling::Flipped => format!("a bit is flipped in {} blocks", self.spoilt.blocks()),
        }
    }

    /// Everything reads as it was written; says how many reads had met a spoilt block.
    pub(super) fn mend(&mut self) -> String {
        let met = std::mem::take(&mut self.spoilt).met();
        format!("{met} reads met a spoilt block")
    }

    fn stored(&self, number: u64, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        let file = self.file(number)?;
        let mut filled = 0;
        while filled < size {
            match file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    pub(super) fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let range = offset..offset + bytes.len() as u64;
        self.save(number, &range)?;
        self.file(number)?.write_all_at(bytes, offset)?;
        self.image.content(number)?.write(&range);
        self.spoilt.write(number, &range);
        Ok(())
    }

    /// Cuts or stretches a file.
    pub(super) fn resize(&mut self, number: u64, length: u64) -> io::Result<()> {
        self.save(number, &(length..u64::MAX))?;
        self.file(number)?.set_len(length)?;
        self.image.content(number)?.resize(length);
        self.spoilt.write(number, &(length..u64::MAX));
        Ok(())
    }

    /// Lets the image remember what stands where something is about to change.
    fn save(&mut self, number: u64, range: &Range<u64>) -> io::Result<()> {
        for place in self.image.content(number)?.endangered(range) {
            let size = usize::try_from(place.end - place.start).expect("a block");
            let old = self.stored(number, place.start, size)?;
            self.image.content(number)?.save(&place, old);
        }
        Ok(())
    }

    pub(super) fn sync(&mut self, number: u64) -> io::Result<()> {
        self.image.sync(number)?;
        self.sweep()
    }

    pub(super) fn sync_all(&mut self) -> io::Result<()> {
        self.image.sync_all();
        self.sweep()
    }

    /// Forgets what was not synced; says what that was.
    pub(super) fn lose_power(&mut self, torn: Option<u64>) -> io::Result<String> {
        let mut draws = torn.map(|torn| Seed(torn).stream("torn"));
        let loss = self.image.lose_power(draws.as_mut());
        let (files, mut forgotten) = (loss.restored.len(), 0);
        for (number, restored) in loss.restored {
            forgotten += restored.forgotten;
            let file = self.file(number)?;
            file.set_len(restored.length)?;
            for (offset, bytes) in restored.bytes {
                file.write_all_at(&bytes, offset)?;
            }
        }
        self.sweep()?;
        Ok(format!(
            "forgot {forgotten} bytes in {files} files and {} changes of names",
            loss.names
        ))
    }

    /// Puts every file in the place that its name says, below this folder. The disk is of no use afterwards.
    pub(super) fn pour_out(&mut self, into: &Path) -> io::Result<()> {
        let mut left = vec![(ROOT, into.to_owned())];
        while let Some((folder, path)) = left.pop() {
            fs::create_dir_all(&path)?;
            for (name, number, is_folder) in self.list(folder)? {
                let path = path.join(name);
                if is_folder {
                    left.push((number, path));
                } else {
                    fs::rename(self.path(number), path)?;
                }
            }
        }
        fs::remove_dir_all(&self.store)
    }

    fn file(&self, number: u64) -> io::Result<Arc<fs::File>> {
        if let Some((file, _)) = self.open.get(&number) {
            return Ok(file.clone());
        }
        let file = fs::File::options()
            .read(true)
            .write(true)
            .open(self.path(number))?;
        Ok(Arc::new(file))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.store.join(number.to_string())
    }

    /// Removes the bytes of files that are gone for good.
    fn sweep(&mut self) -> io::Result<()> {
        let garbage = self.image.take_garbage();
        garbage
            .into_iter()
            .try_for_each(|number| fs::remove_file(self.path(number)))
    }

    /// Where the bytes lie, for who asks how much room there is.
    pub(super) fn store(&self) -> &Path {
        &self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_names_go_back_together_and_are_poured_out_as_they_are() {
        let home = tempfile::tempdir().expect("temporary folder");
        let store = home.path().join("store");
        let mut disk = Disk::new(&store).expect("writable");
        let name = OsStr::new("journal");
        let number = disk.make_file(ROOT, name, 0o600).expect("new").number;
        disk.write(number, 0, b"one ").expect("there");
        disk.sync(number).expect("there");
        disk.sync(ROOT).expect("there");
        disk.write(number, 0, b"two three").expect("there");
        let other = OsStr::new("other");
        let gone = disk.make_file(ROOT, other, 0o600).expect("new").number;
        disk.close(gone).expect("open");
        let told = disk.lose_power(None).expect("there");
        assert_eq!(told, "forgot 9 bytes in 1 files and 1 changes of names");
        assert_eq!(disk.read(number, 0, 100).expect("there"), b"one ");
        assert!(!store.join(gone.to_string()).exists(), "garbage is removed");
        let wrong = disk.lookup(ROOT, other).expect_err("forgotten");
        assert_eq!(wrong.kind(), io::ErrorKind::NotFound);

        let out = home.path().join("out");
        disk.pour_out(&out).expect("poured");
        assert_eq!(fs::read(out.join("journal")).expect("there"), b"one ");
        assert!(!store.exists());
    }
}
