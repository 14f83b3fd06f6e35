//! The store as its users see it: what is saved is found again, whatever happened to the files.

use super::*;
use crate::types::{EventCounts, Random};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::{Duration, Instant};

/// A minute of the year 2025, the last of its hour.
const NOW: u32 = 29_030_399;

/// A data directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let number = Random::from_system().next_u64();
        Self(std::env::temp_dir().join(format!("transom-store-{number:016x}")))
    }

    fn open(&self) -> Opened {
        Store::open(&self.0, Clock::system()).unwrap()
    }

    fn store(&self) -> Store {
        self.open().store
    }

    fn database(&self) -> PathBuf {
        self.0.join("sled").join("db")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn key(model: &str) -> SloKey {
    SloKey { slo: "availability".to_owned(), model: model.to_owned() }
}

fn at(slot: u32, total: u64, bad: u64) -> SlotCounts {
    SlotCounts { slot, counts: EventCounts { total, bad } }
}

fn save(store: &Store, model: &str, minutes: &[SlotCounts]) {
    store.save_minutes(&[(key(model), minutes.to_vec())]).unwrap();
}

fn only(mut histories: Vec<SloHistory>) -> SloHistory {
    assert_eq!(histories.len(), 1, "{histories:?}");
    histories.remove(0)
}

/// A day of minutes of so many models, saved and written to the snapshot. The counts are
/// large, so that a few models fill several segments of the database's log.
fn past(directory: &Directory, models: u32) -> Vec<SloHistory> {
    let store = directory.store();
    let minutes = (NOW - 24 * 60..=NOW).map(|minute| at(minute, 1 << 50, u64::from(minute)));
    let minutes: Vec<_> = minutes.collect();
    let models = (0..models).map(|number| (key(&format!("model-{number}")), minutes.clone()));
    store.save_minutes(&models.collect::<Vec<_>>()).unwrap();
    let histories = store.load_slo(NOW);
    store.write_snapshot(&histories).unwrap();
    histories
}

#[test]
fn parts_of_a_minute_add_up_over_a_restart() {
    let directory = Directory::new();
    let store = directory.store();
    save(&store, "chat", &[at(NOW - 1, 5, 1), at(NOW, 2, 0)]);
    save(&store, "chat", &[at(NOW, 3, 2)]);
    drop(store);
    let store = directory.store();
    // Twice the same budget in one call.
    let again = (key("chat"), vec![at(NOW, 1, 1)]);
    store.save_minutes(&[again.clone(), again]).unwrap();
    let history = only(store.load_slo(NOW));
    assert_eq!(history.key, key("chat"));
    assert_eq!(history.minutes, [at(NOW - 1, 5, 1), at(NOW, 7, 4)]);
    assert_eq!(history.hours, [at(NOW / 60, 12, 5)]);
}

#[test]
fn budgets_of_models_and_routes_are_kept_apart() {
    let directory = Directory::new();
    let store = directory.store();
    let names = [("a", "bc"), ("ab", "c"), ("abc", ""), ("Größe", "模型/α")];
    let keys = names.map(|(slo, model)| SloKey { slo: slo.to_owned(), model: model.to_owned() });
    for (count, key) in (1..).zip(&keys) {
        store.save_minutes(&[(key.clone(), vec![at(NOW, count, 0)])]).unwrap();
    }
    for (count, key) in (1..).zip(&keys) {
        let histories = store.load_slo(NOW);
        let mine = histories.iter().find(|history| history.key == *key).unwrap();
        assert_eq!(mine.minutes, [at(NOW, count, 0)]);
    }
}

#[test]
fn minutes_are_kept_for_three_days_and_hours_for_ninety() {
    let directory = Directory::new();
    let store = directory.store();
    let (days_3, days_90) = (3 * 24 * 60, 90 * 24 * 60);
    let ages = [0, days_3 - 1, days_3, days_90 - 60, days_90, days_90 + 60];
    for age in ages.iter().rev() {
        save(&store, "chat", &[at(NOW - age, 1, 0)]);
    }
    let history = only(store.load_slo(NOW));
    assert_eq!(history.minutes, [at(NOW - days_3 + 1, 1, 0), at(NOW, 1, 0)]);
    let hours: Vec<_> = history.hours.iter().map(|slot| NOW / 60 - slot.slot).collect();
    // Of the hour three days ago, which two of the minutes share, both are left.
    assert_eq!(hours, [days_90 / 60 - 1, days_3 / 60, days_3 / 60 - 1, 0]);
    assert_eq!(store.load_slo(NOW + days_90 + 60), []);
}

#[test]
fn saving_forgets_what_is_too_old() {
    let directory = Directory::new();
    let store = directory.store();
    save(&store, "chat", &[at(0, 1, 0)]);
    for day in 0..200 {
        save(&store, "chat", &[at(NOW + day * 24 * 60, 1, 0)]);
    }
    assert!(entries(&store) <= 4 + 92, "{}", entries(&store));
}

#[test]
fn a_clock_that_is_wrong_at_the_start_hides_the_past_and_costs_nothing() {
    let directory = Directory::new();
    let store = directory.store();
    save(&store, "chat", &[at(NOW - 90, 1, 0), at(NOW, 1, 1)]);
    assert_eq!(only(store.load_slo(NOW - 1)).minutes, [at(NOW - 90, 1, 0)]);
    for wrong in [0, NOW - 5_000_000, NOW + 5_000_000, u32::MAX] {
        assert_eq!(store.load_slo(wrong), []);
    }
    assert_eq!(only(store.load_slo(NOW)).minutes, [at(NOW - 90, 1, 0), at(NOW, 1, 1)]);
}

#[test]
fn the_database_is_rebuilt_from_the_snapshot() {
    let directory = Directory::new();
    let before = past(&directory, 2);
    fs::write(directory.database(), b"not a database").unwrap();
    fs::write(directory.0.join("sled").join("conf"), [0xff; 64]).unwrap();
    let Opened { store, condition } = directory.open();
    let Condition::Recreated { moved_to, why } = condition else { panic!("{condition:?}") };
    assert!(moved_to.join("db").is_file() && !why.is_empty());
    assert!(moved_to.to_string_lossy().contains("sled.broken-"), "{moved_to:?}");
    assert!(store.load_slo(NOW) == before);
    // And it is in the database now, even without the snapshot.
    drop(store);
    fs::remove_file(directory.0.join("durable.snapshot")).unwrap();
    let Opened { store, condition } = directory.open();
    assert_eq!(condition, Condition::Fine);
    assert!(store.load_slo(NOW) == before);
}

#[test]
fn a_database_cut_anywhere_costs_nothing() {
    survives(|file, place| file.set_len(place).unwrap());
}

#[test]
fn a_database_with_flipped_bits_costs_nothing() {
    survives(|file, place| {
        let mut bytes = [0; 64];
        let length = file.read_at(&mut bytes, place).unwrap();
        file.write_at(&bytes.map(|byte| byte ^ 0x24)[..length], place).unwrap();
    });
}

/// Does `damage` at places all over the database, small and large.
fn survives(damage: impl Fn(&fs::File, u64)) {
    for (models, round) in (0..5).flat_map(|round| [(2, round), (40, round)]) {
        let directory = Directory::new();
        let before = past(&directory, models);
        let file = OpenOptions::new().read(true).write(true).open(directory.database()).unwrap();
        damage(&file, file.metadata().unwrap().len() * round / 5);
        let begin = Instant::now();
        let store = directory.store();
        assert!(store.load_slo(NOW) == before, "{models} models, round {round}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        save(&store, "model-0", &[at(NOW, 1, 1)]);
    }
}

#[test]
fn a_broken_snapshot_leaves_the_database_in_charge() {
    let directory = Directory::new();
    let before = past(&directory, 2);
    let path = directory.0.join("durable.snapshot");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let store = directory.store();
    assert!(matches!(store.read_snapshot(), Err(SnapshotError::Checksum)));
    assert!(store.load_slo(NOW) == before);
    // A crash while the next one is written leaves the half of it under another name.
    fs::write(directory.0.join("durable.snapshot.new"), b"half").unwrap();
    store.write_snapshot(&before).unwrap();
    assert!(store.read_snapshot().unwrap() == Some((before, Vec::new())));
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let directory = Directory::new();
    let before = past(&directory, 2);
    let first = directory.store();
    let second = Store::open(&directory.0, Clock::system());
    assert!(matches!(second, Err(OpenError::InUse(path)) if path == directory.0));
    assert!(first.load_slo(NOW) == before);
    drop(first);
    assert_eq!(directory.open().condition, Condition::Fine);
}

#[test]
fn a_database_that_another_program_has_open_is_left_alone() {
    let directory = Directory::new();
    let before = past(&directory, 2);
    let other = OpenOptions::new().read(true).open(directory.database()).unwrap();
    other.try_lock().unwrap();
    let opened = Store::open(&directory.0, Clock::system());
    assert!(matches!(opened, Err(OpenError::InUse(_))), "{opened:?}");
    other.unlock().unwrap();
    let Opened { store, condition } = directory.open();
    assert_eq!(condition, Condition::Fine);
    assert!(store.load_slo(NOW) == before);
}

/// Sums of a model in the minutes `slots`, its hour and its day; they say which slot it is.
fn sums(model: &str, slots: Range<u32>) -> Vec<RollupRow> {
    let row = |span, slot: u32| RollupRow {
        model: model.to_owned(),
        span,
        slot,
        sums: slot.to_le_bytes().to_vec(),
    };
    let longer = [(RollupSpan::Hour, slots.start / 60), (RollupSpan::Day, slots.start / 1_440)];
    let minutes = slots.map(|slot| (RollupSpan::Minute, slot));
    minutes.chain(longer).map(|(span, slot)| row(span, slot)).collect()
}

fn minutes_of(store: &Store, model: &str, slots: Range<u32>) -> Vec<u32> {
    let rows = store.read_rollups((model, RollupSpan::Minute), slots).unwrap();
    assert!(rows.iter().all(|(slot, sums)| sums[..] == slot.to_le_bytes()));
    rows.into_iter().map(|(slot, _)| slot).collect()
}

#[test]
fn sums_are_kept_by_model_and_slot_over_a_restart() {
    let directory = Directory::new();
    let models = ["", "a", "ab", "b", "模型/α"];
    for model in models {
        directory.store().write_rollups(sums(model, NOW - 200..NOW + 200)).unwrap();
    }
    let store = directory.store();
    let mut known = store.rollup_models().unwrap();
    known.sort_unstable();
    assert_eq!(known, models);
    for model in models {
        let some = minutes_of(&store, model, NOW - 300..NOW - 190);
        assert!(some.into_iter().eq(NOW - 200..NOW - 190), "{model}");
        let hours = store.read_rollups((model, RollupSpan::Hour), 0..u32::MAX).unwrap();
        assert_eq!(hours.len(), 1);
    }
    assert!(minutes_of(&store, "c", 0..u32::MAX).is_empty());
    store.forget_rollups(RollupSpan::Minute, NOW + 199).unwrap();
    for model in models {
        assert_eq!(minutes_of(&store, model, 0..u32::MAX), [NOW + 199]);
    }
    assert_eq!(store.rollup_models().unwrap().len(), models.len());
}

#[test]
fn what_was_written_is_there_after_a_crash() {
    let (directory, copy) = (Directory::new(), Directory::new());
    let store = directory.store();
    store.write_rollups(sums("m", NOW..NOW + 50)).unwrap();
    // As it lies on the disk this moment, while the database is open.
    fs::create_dir_all(copy.0.join("sled")).unwrap();
    for name in ["sled/db", "sled/conf"] {
        fs::copy(directory.0.join(name), copy.0.join(name)).unwrap();
    }
    drop(store);
    let Opened { store, condition } = copy.open();
    assert_eq!(condition, Condition::Fine);
    assert!(minutes_of(&store, "m", 0..u32::MAX).into_iter().eq(NOW..NOW + 50));
}

#[test]
fn sums_in_a_database_with_flipped_bits_are_right_or_gone_and_more_can_be_kept() {
    for round in 0..5 {
        let directory = Directory::new();
        let store = directory.store();
        for model in 0..20 {
            store.write_rollups(sums(&format!("m{model}"), NOW - 1_000..NOW)).unwrap();
        }
        drop(store);
        let file = OpenOptions::new().read(true).write(true).open(directory.database()).unwrap();
        let (mut bytes, place) = ([0; 64], file.metadata().unwrap().len() * round / 5);
        let length = file.read_at(&mut bytes, place).unwrap();
        file.write_at(&bytes.map(|byte| byte ^ 0x24)[..length], place).unwrap();
        let store = directory.store();
        for model in store.rollup_models().unwrap() {
            minutes_of(&store, &model, 0..u32::MAX);
        }
        store.write_rollups(sums("m0", NOW..NOW + 1)).unwrap();
        assert_eq!(minutes_of(&store, "m0", NOW..NOW + 9), [NOW]);
    }
}

#[test]
fn only_the_owner_can_read_what_is_kept() {
    let directory = Directory::new();
    assert_eq!(directory.open().condition, Condition::New);
    past(&directory, 2);
    drop(directory.store());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.0), 0o700);
    let mut unseen = vec![directory.0.clone()];
    while let Some(folder) = unseen.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), wanted, "{}", path.display());
            unseen.extend(path.is_dir().then_some(path));
        }
    }
}

#[test]
fn a_directory_that_is_there_already_keeps_its_mode() {
    let directory = Directory::new();
    fs::create_dir(&directory.0).unwrap();
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o750)).unwrap();
    let store = directory.store();
    assert_eq!(fs::metadata(&directory.0).unwrap().permissions().mode() & 0o777, 0o750);
    drop(store);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let directory = Directory::new();
    fs::write(&directory.0, b"a file").unwrap();
    let opened = Store::open(&directory.0, Clock::system());
    assert!(matches!(opened, Err(OpenError::Directory { .. })), "{opened:?}");
    fs::remove_file(&directory.0).unwrap();
}

fn entries(store: &Store) -> usize {
    let mut entries = 0;
    store.slo.scan(vec![0]..vec![u8::MAX], |_, _| entries += 1).unwrap();
    entries
}
