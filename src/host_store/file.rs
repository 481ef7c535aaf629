//! Opening and making the file, so that nobody else can put one in its place, read it, or make it fail later.
//!
//! - The directory must be the user's or root's, and nobody else may make files in it (a sticky one such as
//!   /tmp will do); it is made with mode 0700. The file must be a regular one of the user's, with one name
//!   and mode 0600, and is not opened through a symbolic link (CWE-59, CWE-379).
//! - A new file is given all its blocks before anyone maps it, so a full disk is an error here and no SIGBUS
//!   later (but file systems that copy on write, such as btrfs, promise less), and gets its name when it is complete.
//! - Opening and making happen under a lock on `<path>.lock`, which the system releases when a process ends.

use super::header::{Damage, ENCODED, Header};
use super::mapping::Mapping;
use crate::error::{ConfigError, ErrorCode};
use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags, fallocate, flock};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the opened file came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there, with all it knew.
    Kept,
    /// There was none.
    Created,
    /// There was one that could not be used.
    Replaced(Damage),
}

/// What to do with a file of another capacity or another version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Put a new one in its place: this process has just been configured.
    AsConfigured,
    /// Take the capacity as it is, leave the other version alone: another process has made it.
    AsItIs,
}

/// Which file a path leads to, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len() }
    }

    /// The file at `path` now, if there is one.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

/// A mapped file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) mapping: Mapping,
    pub(super) identity: Identity,
    pub(super) origin: Origin,
}

const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
const OWN_FILE: OFlags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// Opens the store at `path`, or makes one of `buckets`. Waits up to five seconds for other processes that
/// do the same, with [`Wish::AsItIs`] not at all.
///
/// # Errors
/// [`ErrorCode::StoreFile`]: the directory or the file is not safe to use, the disk is full, or whatever
/// else the system says.
pub(super) fn open(path: &Path, buckets: u64, wish: Wish) -> Result<Opened, ConfigError> {
    check_directory(path)?;
    let tries = if wish == Wish::AsConfigured { LOCK_TRIES } else { 1 };
    let _lock = lock(path, tries)?;
    match open_file(path, OWN_FILE) {
        Ok(file) => open_existing(path, &file, buckets, wish),
        Err(Errno::NOENT) => create(path, buckets, Origin::Created),
        Err(Errno::LOOP | Errno::MLINK) => Err(refusal(path, "is a symbolic link")),
        Err(error) => Err(failure(path, "cannot be opened", error)),
    }
}

fn open_existing(
    path: &Path,
    file: &File,
    buckets: u64,
    wish: Wish,
) -> Result<Opened, ConfigError> {
    let metadata = file.metadata().map_err(|error| failure(path, "cannot be read", error))?;
    check_file(path, &metadata)?;
    let mut bytes = [0; ENCODED];
    // A file too short for a header is none.
    let _ = file.read_exact_at(&mut bytes, 0);
    let found = match Header::decode(&bytes, metadata.len()) {
        Ok(header) if wish == Wish::AsConfigured && header.buckets != buckets => {
            Err(Damage::Capacity)
        }
        found => found,
    };
    match found {
        Ok(header) => opened(path, file, header, Origin::Kept),
        Err(Damage::Version) if wish == Wish::AsItIs => {
            Err(refusal(path, "is in use by another version of carapace"))
        }
        Err(damage) => {
            if damage == Damage::NotAStore && bytes != [0; ENCODED] {
                set_aside(path)?;
            }
            create(path, buckets, Origin::Replaced(damage))
        }
    }
}

/// Whatever it is, it may be someone's only copy.
fn set_aside(path: &Path) -> Result<(), ConfigError> {
    let aside = (0..100).map(|number| beside(path, &format!(".set-aside-{number}")));
    let free = aside.into_iter().find(|aside| fs::symlink_metadata(aside).is_err());
    let Some(free) = free else {
        return Err(refusal(path, "is no store, and a hundred such files were set aside before"));
    };
    fs::rename(path, free).map_err(|error| failure(path, "cannot be set aside", error))
}

fn create(path: &Path, buckets: u64, origin: Origin) -> Result<Opened, ConfigError> {
    let fail = |error: io::Error| failure(path, "cannot be made", error);
    let draft = beside(path, ".new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => (),
    }
    let header = Header { buckets, seed: (random()?, random()?) };
    let flags = OWN_FILE.union(OFlags::CREATE).union(OFlags::EXCL);
    let mut file = open_file(&draft, flags).map_err(|error| fail(error.into()))?;
    let done = allocate(&mut file, header.file_bytes())
        .and_then(|()| file.write_all_at(&header.encode(), 0))
        .and_then(|()| fs::rename(&draft, path));
    if let Err(error) = done {
        // The error that matters is the first.
        let _ = fs::remove_file(&draft);
        return Err(fail(error));
    }
    opened(path, &file, header, origin)
}

fn opened(path: &Path, file: &File, header: Header, origin: Origin) -> Result<Opened, ConfigError> {
    let fail = |error: io::Error| failure(path, "cannot be mapped", error);
    let identity = Identity::of(&file.metadata().map_err(fail)?);
    let mapping = Mapping::new(file, header, random()?).map_err(fail)?;
    Ok(Opened { mapping, identity, origin })
}

/// Gives the file all its blocks, with zeros.
fn allocate(file: &mut File, bytes: u64) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), 0, bytes) {
        // On macOS the blocks are set aside but the length stays.
        Ok(()) => file.set_len(bytes),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => write_zeros(file, bytes),
        Err(error) => Err(error.into()),
    }
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    file.rewind()?;
    let mut left = bytes;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all(ZEROS.split_at(part).0)?;
        left -= part as u64;
    }
    Ok(())
}

fn lock(path: &Path, tries: u32) -> Result<File, ConfigError> {
    let name = beside(path, ".lock");
    let fail = |error: Errno| failure(&name, "cannot be locked", error);
    let file = open_file(&name, OWN_FILE.union(OFlags::CREATE)).map_err(fail)?;
    let metadata = file.metadata().map_err(|error| failure(&name, "cannot be read", error))?;
    check_file(&name, &metadata)?;
    for attempt in 1..=tries {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) if attempt < tries => {
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(error) => return Err(fail(error)),
        }
    }
    Err(refusal(&name, "is locked"))
}

fn check_directory(path: &Path) -> Result<(), ConfigError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or_else(|| Path::new("."));
    let fail = |error: io::Error| failure(directory, "cannot be used", error);
    if !directory.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fail)?;
    }
    // The link, if it is one, and what it leads to.
    for metadata in [fs::symlink_metadata(directory), fs::metadata(directory)] {
        let metadata = metadata.map_err(fail)?;
        if metadata.uid() != own_user() && metadata.uid() != 0 {
            return Err(refusal(directory, "belongs to another user"));
        }
        let (shared, sticky) = (metadata.mode() & 0o022 != 0, metadata.mode() & 0o1000 != 0);
        if metadata.is_dir() && shared && !sticky {
            return Err(refusal(directory, "can be written by other users"));
        }
    }
    Ok(())
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), ConfigError> {
    let problem = if !metadata.is_file() {
        "is no regular file"
    } else if metadata.uid() != own_user() {
        "belongs to another user"
    } else if metadata.mode() & 0o077 != 0 {
        "is open to other users; its mode must be 0600"
    } else if metadata.nlink() != 1 {
        "has several names (hard links)"
    } else {
        return Ok(());
    };
    Err(refusal(path, problem))
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn open_file(path: &Path, flags: OFlags) -> Result<File, Errno> {
    rustix::fs::open(path, flags, Mode::RUSR.union(Mode::WUSR)).map(File::from)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn random() -> Result<u64, ConfigError> {
    getrandom::u64().map_err(|error| {
        let message = format!("the system has no random numbers: {error}");
        ConfigError::new(ErrorCode::StoreFile, "path", message)
    })
}

fn failure(path: &Path, what: &str, error: impl Into<io::Error>) -> ConfigError {
    let error: io::Error = error.into();
    refusal(path, &format!("{what}: {error}"))
}

fn refusal(path: &Path, problem: &str) -> ConfigError {
    let message = format!("{} {problem}", path.display());
    ConfigError::new(ErrorCode::StoreFile, "path", message)
}
