//! A disk as a file system: what the kernel asks through FUSE, handed on to [`Disk`].
//!
//! Names and attributes are not cached by the kernel, so that it believes what it sees after a power loss; pages are, until a file is opened again.
//! Absent: links, special files, extended attributes (programs do without), `sync(2)`, which the kernel does not tell us of.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use nix::{
    fcntl::OFlag,
    sys::statvfs::statvfs,
    unistd::{getgid, getuid},
};

use super::bytes::{Disk, Stat};

/// How long the kernel may believe what it was told of names and attributes.
const BELIEVED: Duration = Duration::ZERO;

/// A disk that the kernel asks.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) disk: Arc<Mutex<Disk>>,
    listings: Mutex<Listings>,
}

/// What folders held when they were opened: who reads one while names in it come and go must miss none that stays.
#[derive(Debug, Default)]
struct Listings {
    next: u64,
    open: HashMap<u64, Vec<(OsString, u64, bool)>>,
}

impl Mounted {
    pub(super) fn new(disk: Arc<Mutex<Disk>>) -> Self {
        Self {
            disk,
            listings: Mutex::default(),
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listings(&self) -> MutexGuard<'_, Listings> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attributes(stat: &Stat) -> FileAttr {
    FileAttr {
        ino: INodeNo(stat.number),
        size: stat.length,
        blocks: stat.length.div_ceil(512),
        atime: stat.modified,
        mtime: stat.modified,
        ctime: stat.modified,
        crtime: stat.modified,
        kind: kind(stat.is_folder),
        perm: stat.mode,
        nlink: 1,
        uid: getuid().as_raw(),
        gid: getgid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn kind(is_folder: bool) -> FileType {
    if is_folder {
        FileType::Directory
    } else {
        FileType::RegularFile
    }
}

/// The permissions of a mode: the rest of its bits says what kind of file it is.
fn permissions(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).expect("twelve bits")
}

/// What comes of an answer that is nothing but success.
fn empty(done: io::Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error.into()),
    }
}

fn entry(found: io::Result<Stat>, reply: ReplyEntry) {
    match found {
        Ok(stat) => reply.entry(&BELIEVED, &attributes(&stat), Generation(0)),
        Err(error) => reply.error(error.into()),
    }
}

fn attr(found: io::Result<Stat>, reply: ReplyAttr) {
    match found {
        Ok(stat) => reply.attr(&BELIEVED, &attributes(&stat)),
        Err(error) => reply.error(error.into()),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(self.disk().lookup(parent.0, name), reply);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        attr(self.disk().stat(ino.0), reply);
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let mut changed = || -> io::Result<Stat> {
            if let Some(mode) = mode {
                disk.set_mode(ino.0, permissions(mode))?;
            }
            if let Some(size) = size {
                disk.resize(ino.0, size)?;
            }
            match mtime {
                Some(TimeOrNow::SpecificTime(time)) => disk.set_modified(ino.0, time)?,
                Some(TimeOrNow::Now) => disk.set_modified(ino.0, SystemTime::now())?,
                None => {}
            }
            disk.stat(ino.0)
        };
        attr(changed(), reply);
    }

    fn mkdir(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let mode = permissions(mode & !umask);
        entry(self.disk().make_folder(parent.0, name, mode), reply);
    }

    fn unlink(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.disk().unlink(parent.0, name), reply);
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.disk().remove_folder(parent.0, name), reply);
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut disk = self.disk();
        let replaces = disk.has(newparent.0, newname);
        if flags.contains(RenameFlags::RENAME_NOREPLACE) && replaces {
            return reply.error(Errno::EEXIST);
        }
        if flags.intersects(RenameFlags::RENAME_EXCHANGE | RenameFlags::RENAME_WHITEOUT) {
            return reply.error(Errno::EINVAL);
        }
        empty(disk.rename((parent.0, name), (newparent.0, newname)), reply);
    }

    fn create(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let mode = permissions(mode & !umask);
        match self.disk().make_file(parent.0, name, mode) {
            Ok(stat) => reply.created(
                &BELIEVED,
                &attributes(&stat),
                Generation(0),
                FileHandle(stat.number),
                FopenFlags::empty(),
            ),
            Err(error) => reply.error(error.into()),
        }
    }

    fn open(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.disk().open(ino.0) {
            Ok(()) => reply.opened(FileHandle(ino.0), FopenFlags::empty()),
            Err(error) => reply.error(error.into()),
        }
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk().read(ino.0, offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut disk = self.disk();
        let mut written = disk.write(ino.0, offset, data);
        // O_SYNC holds the bits of O_DSYNC.
        if flags.0 & OFlag::O_DSYNC.bits() != 0 {
            written = written.and_then(|()| disk.sync(ino.0));
        }
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("a request is small")),
            Err(error) => reply.error(error.into()),
        }
    }

    fn flush(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        // Closing syncs nothing.
        reply.ok();
    }

    fn release(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        empty(self.disk().close(ino.0), reply);
    }

    fn fsync(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        // The length of a file counts as data: nobody can read what lies behind it.
        empty(self.disk().sync(ino.0), reply);
    }

    fn fsyncdir(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        empty(self.disk().sync(ino.0), reply);
    }

    fn fallocate(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        if mode != 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let mut disk = self.disk();
        let (now, wanted) = (disk.stat(ino.0), offset + length);
        let done = now.and_then(|stat| match stat.length < wanted {
            true => disk.resize(ino.0, wanted),
            false => Ok(()),
        });
        empty(done, reply);
    }

    fn opendir(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.disk().list(ino.0) {
            Ok(list) => {
                let mut listings = self.listings();
                listings.next += 1;
                let handle = listings.next;
                listings.open.insert(handle, list);
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(error) => reply.error(error.into()),
        }
    }

    fn readdir(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let mut listings = self.listings();
        let Some(list) = listings.open.get_mut(&fh.0) else {
            return reply.error(Errno::EBADF);
        };
        // Who begins again wants to see what is there now.
        if offset == 0
            && let Ok(now) = self.disk().list(ino.0)
        {
            *list = now;
        }
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        for ((name, number, is_folder), place) in list.iter().zip(1..).skip(skipped) {
            if reply.add(INodeNo(*number), place, kind(*is_folder), name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.listings().open.remove(&fh.0);
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        match statvfs(self.disk().store()) {
            Ok(it) => reply.statfs(
                it.blocks(),
                it.blocks_free(),
                it.blocks_available(),
                it.files(),
                it.files_free(),
                4096,
                255,
                u32::try_from(it.fragment_size()).unwrap_or(4096),
            ),
            Err(error) => reply.error(Errno::from_i32(error as i32)),
        }
    }
}
