use super::header::{Damage, HEADER_BYTES};
use super::store::LOOK_INTERVAL_MS;
use super::*;
use crate::rate_limit::state::{Rank, State};
use std::cell::Cell;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const LATER: u64 = 1 << 43;
const PLACE: u128 = 77 << 96 | 5 << 32 | 1;
const NOW: u64 = 1_000_000;

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(NOW) };
}

/// A directory of its own for each test, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carapace-host-store-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> PathBuf {
        self.0.join("app.store")
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn hit(store: &HostStore, now_ms: u64) -> u64 {
    CLOCK.set(now_ms);
    let count = |[_, used]: State, _| ([LATER | (Rank::Low as u64) << 44, used + 1], used + 1);
    store.update(PLACE, count).unwrap()
}

fn open(path: &Path) -> (HostStore, Origin) {
    let (store, origin) = HostStore::open(path, Some(100.0)).unwrap();
    (store.with_clock(|| CLOCK.get()), origin)
}

fn refusal(path: &Path) -> String {
    let error = HostStore::open(path, Some(100.0)).unwrap_err();
    assert_eq!((error.code.as_str(), error.path.as_str()), ("ERR_CARAPACE_STORE_FILE", "path"));
    error.message
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn makes_a_private_file_with_all_its_blocks() {
    let folder = Folder::new();
    let (_store, origin) = open(&folder.store());
    assert_eq!(origin, Origin::Created);
    let file = fs::metadata(folder.store()).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o600);
    assert_eq!(file.len(), (HEADER_BYTES + 25 * 256) as u64);
    assert!(file.blocks() * 512 >= file.len());
    assert_eq!(fs::metadata(&folder.0).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(folder.names(), ["app.store", "app.store.lock"]);
}

#[test]
fn two_openings_share_one_table_and_a_third_finds_what_they_counted() {
    let folder = Folder::new();
    let (first, _) = open(&folder.store());
    let (second, origin) = open(&folder.store());
    assert_eq!(origin, Origin::Kept);
    assert_eq!(first.hash(&"key"), second.hash(&"key"));
    assert_eq!([hit(&first, NOW), hit(&second, NOW), hit(&first, NOW)], [1, 2, 3]);
    drop((first, second));
    let (third, _) = open(&folder.store());
    assert_eq!(hit(&third, NOW), 4);
}

#[test]
fn hashes_with_a_secret_of_the_file() {
    let (one, other) = (Folder::new(), Folder::new());
    assert_ne!(open(&one.store()).0.hash(&"key"), open(&other.store()).0.hash(&"key"));
}

#[test]
fn replaces_a_file_that_cannot_be_used_and_says_why() {
    type Ruin = (Damage, fn(&Path));
    let ruins: [Ruin; 5] = [
        (Damage::Version, |path| overwrite(path, 8, &[9])),
        (Damage::Checksum, |path| overwrite(path, 24, &[1, 2, 3, 4, 5, 6, 7, 8])),
        (Damage::Length, |path| {
            OpenOptions::new().write(true).open(path).unwrap().set_len(5000).unwrap();
        }),
        (Damage::Capacity, |path| {
            fs::remove_file(path).unwrap();
            HostStore::open(path, Some(200.0)).unwrap();
        }),
        (Damage::NotAStore, |path| fs::write(path, "").unwrap()),
    ];
    for (damage, ruin) in ruins {
        let folder = Folder::new();
        hit(&open(&folder.store()).0, NOW);
        ruin(&folder.store());
        let (store, origin) = open(&folder.store());
        assert_eq!(origin, Origin::Replaced(damage));
        assert_eq!(hit(&store, NOW), 1);
        assert_eq!(open(&folder.store()).1, Origin::Kept);
        assert_eq!(folder.names(), ["app.store", "app.store.lock"]);
    }
}

#[test]
fn sets_aside_what_is_no_store_in_place_of_destroying_it() {
    let folder = Folder::new();
    open(&folder.store());
    for text in ["a photo", "another"] {
        fs::write(folder.store(), text).unwrap();
        assert_eq!(open(&folder.store()).1, Origin::Replaced(Damage::NotAStore));
    }
    let aside = |number| fs::read_to_string(folder.0.join(format!("app.store.set-aside-{number}")));
    assert_eq!((aside(0).unwrap(), aside(1).unwrap()), ("a photo".into(), "another".into()));
}

#[test]
fn refuses_files_that_others_may_have_put_there() {
    let folder = Folder::new();
    open(&folder.store());
    fs::set_permissions(folder.store(), Permissions::from_mode(0o640)).unwrap();
    assert!(refusal(&folder.store()).contains("0600"));
    fs::set_permissions(folder.store(), Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(folder.store(), folder.0.join("alias")).unwrap();
    assert!(refusal(&folder.store()).contains("several names"));
    symlink(folder.store(), folder.0.join("link")).unwrap();
    assert!(refusal(&folder.0.join("link")).contains("symbolic link"));
    fs::create_dir(folder.0.join("folder")).unwrap();
    refusal(&folder.0.join("folder"));
    assert_eq!(fs::metadata(folder.store()).unwrap().len(), (HEADER_BYTES + 25 * 256) as u64);
}

#[test]
fn refuses_a_directory_that_others_write_unless_it_is_sticky() {
    let folder = Folder::new();
    fs::create_dir(&folder.0).unwrap();
    fs::set_permissions(&folder.0, Permissions::from_mode(0o777)).unwrap();
    assert!(refusal(&folder.store()).contains("other users"));
    fs::set_permissions(&folder.0, Permissions::from_mode(0o1777)).unwrap();
    open(&folder.store());
}

#[test]
fn a_store_larger_than_the_disk_is_an_error_and_leaves_nothing_behind() {
    let folder = Folder::new();
    // 2^56 bytes.
    let error = file::open(&folder.store(), 1 << 48, file::Wish::AsConfigured).unwrap_err();
    assert!(error.message.contains("cannot be made"), "{error}");
    assert_eq!(folder.names(), ["app.store.lock"]);
}

#[test]
fn refuses_numbers_of_keys_out_of_range_s19() {
    let folder = Folder::new();
    for keys in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY, 100_000_001.0] {
        let error = HostStore::open(&folder.store(), Some(keys)).unwrap_err();
        assert_eq!(error.path, "maxKeys");
    }
}

#[test]
fn follows_the_file_that_another_process_has_put_in_its_place_within_a_second() {
    let folder = Folder::new();
    let (old, _) = open(&folder.store());
    assert_eq!([hit(&old, NOW), hit(&old, NOW)], [1, 2]);
    // Configured with another number of keys, as after a deployment.
    let (new, origin) = HostStore::open(&folder.store(), Some(200.0)).unwrap();
    let new = new.with_clock(|| CLOCK.get());
    assert_eq!(origin, Origin::Replaced(Damage::Capacity));
    assert_eq!(hit(&new, NOW), 1);
    assert_eq!(hit(&old, NOW + LOOK_INTERVAL_MS), 2);
    assert_eq!(old.hash(&"key"), new.hash(&"key"));
    assert_eq!((old.change_count(), old.take_changes()), (1, vec![Change::Followed]));
    // It does not fight for its own number of keys.
    assert_eq!(hit(&new, NOW + 2 * LOOK_INTERVAL_MS), 3);
    assert_eq!(new.take_changes(), []);
}

#[test]
fn makes_the_file_again_when_it_is_removed_or_cut() {
    let folder = Folder::new();
    let (store, _) = open(&folder.store());
    hit(&store, NOW);
    fs::remove_file(folder.store()).unwrap();
    assert_eq!(hit(&store, NOW + LOOK_INTERVAL_MS), 1);
    assert_eq!(store.take_changes(), [Change::Remade(None)]);
    OpenOptions::new().write(true).open(folder.store()).unwrap().set_len(4096).unwrap();
    assert_eq!(hit(&store, NOW + 2 * LOOK_INTERVAL_MS), 1);
    assert_eq!(store.take_changes(), [Change::Remade(Some(Damage::Length))]);
    // A clock that was set back does not end the looking.
    fs::remove_file(folder.store()).unwrap();
    assert_eq!(hit(&store, 5), 1);
}

#[test]
fn goes_on_alone_when_the_file_in_its_place_cannot_be_used() {
    let folder = Folder::new();
    let (store, _) = open(&folder.store());
    hit(&store, NOW);
    let newer = folder.0.join("newer");
    fs::copy(folder.store(), &newer).unwrap();
    overwrite(&newer, 8, &[2]);
    fs::rename(&newer, folder.store()).unwrap();
    let counts = [1, 2, 3].map(|looks| hit(&store, NOW + looks * LOOK_INTERVAL_MS));
    assert_eq!(counts, [2, 3, 4]);
    let changes = store.take_changes();
    assert!(matches!(&changes[..], [Change::Detached(why)] if why.contains("another version")));
}
