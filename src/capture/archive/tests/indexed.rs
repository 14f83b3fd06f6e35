//! Lists that remember what they have read.

use super::*;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows in memory, and how often one was found.
#[derive(Default)]
struct Rows {
    rows: Mutex<BTreeMap<String, Vec<u8>>>,
    found: Mutex<u64>,
}

impl SegmentRows for Rows {
    fn row(&self, segment: &str) -> Option<Vec<u8>> {
        let row = self.rows.lock().get(segment).cloned();
        *self.found.lock() += u64::from(row.is_some());
        row
    }

    fn put(&self, segment: &str, row: Vec<u8>) {
        self.rows.lock().insert(segment.to_owned(), row);
    }

    fn remove(&self, segment: &str) {
        self.rows.lock().remove(segment);
    }

    fn segments(&self) -> Vec<String> {
        self.rows.lock().keys().cloned().collect()
    }
}

fn listed(archive: &Archive, filter: Filter) -> Vec<Indexed> {
    archive.entries(filter).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_list_says_the_same_whether_it_reads_or_remembers() {
    let directory = Directory::new();
    let plain = directory.archive();
    let written = fill(&plain, 0..60);
    let rows = Arc::new(Rows::default());
    let archive = plain.clone().with_rows(Arc::clone(&rows) as _);
    let segments = archive.segments().unwrap().len() as u64;
    assert!(segments > 3);
    assert_eq!(listed(&archive, Filter::all()), written);
    assert_eq!(*rows.found.lock(), 0, "nothing was known");
    assert_eq!(rows.rows.lock().len() as u64, segments);
    assert_eq!(listed(&archive, Filter::all()), written);
    assert_eq!(*rows.found.lock(), segments, "each segment was remembered");
    let some = Filter { key: Some("key-1".into()), ..Filter::all() };
    assert_eq!(listed(&archive, some.clone()), listed(&plain, some));
    for found in listed(&archive, Filter::all()).iter().step_by(7) {
        assert!(is_whole(&archive.read(found.place).unwrap()).is_some());
    }
}

#[test]
fn what_is_erased_is_remembered_by_nobody() {
    let directory = Directory::new();
    let rows = Arc::new(Rows::default());
    let archive = directory.archive().with_rows(Arc::clone(&rows) as _);
    fill(&archive, 0..60);
    listed(&archive, Filter::all());
    let erased = archive.erase(Erase::Key("key-1".into())).unwrap();
    for segment in &erased.segments {
        assert!(rows.row(&segment.to_string()).is_none());
    }
    let left = listed(&archive, Filter::all());
    assert_eq!(left.len() as u64, 60 - erased.records);
    assert!(left.iter().all(|it| it.entry.key.as_deref() != Some("key-1")));
    let ids: Vec<String> = archive.segments().unwrap().iter().map(|it| it.id.to_string()).collect();
    assert_eq!(rows.segments(), ids, "and no row is about a segment that has gone");
}

#[test]
fn sealed_and_unfinished_segments_are_read_each_time() {
    let directory = Directory::new();
    let rows = Arc::new(Rows::default());
    let sealed = directory.sealed().with_rows(Arc::clone(&rows) as _);
    fill(&sealed, 0..20);
    assert_eq!(listed(&sealed, Filter::all()).len(), 20);
    assert!(rows.segments().is_empty(), "what is known of them goes with their key");
    let open = Directory::new();
    let archive = open.archive().with_rows(Arc::clone(&rows) as _);
    let mut writer = Writer::open(archive.clone(), roll(1 << 20)).unwrap();
    writer.append(&numbered(1, 200), Instant::now()).unwrap();
    writer.flush().unwrap();
    assert_eq!(listed(&archive, Filter::all()).len(), 1);
    assert!(rows.segments().is_empty());
    writer.append(&numbered(2, 200), Instant::now()).unwrap();
    writer.flush().unwrap();
    assert_eq!(listed(&archive, Filter::all()).len(), 2);
}

#[test]
fn a_row_that_makes_no_sense_is_done_without() {
    let directory = Directory::new();
    let rows = Arc::new(Rows::default());
    let archive = directory.archive().with_rows(Arc::clone(&rows) as _);
    let written = fill(&archive, 0..30);
    listed(&archive, Filter::all());
    rows.rows.lock().values_mut().for_each(|row| *row = b"nonsense".to_vec());
    assert_eq!(listed(&archive, Filter::all()), written);
    assert_eq!(listed(&archive, Filter::all()), written);
}
