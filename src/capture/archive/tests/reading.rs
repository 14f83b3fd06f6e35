//! Writing, listing and reading.

use super::*;

#[test]
fn what_was_written_is_listed_and_read_in_any_way() {
    let directory = Directory::new();
    let archive = directory.archive();
    let written = fill(&archive, 0..50);
    assert_eq!(numbers(&archive), (0..50).collect::<Vec<_>>());
    assert_eq!(written.len(), 50);
    for (number, indexed) in (0..).zip(&written) {
        assert_eq!(indexed.entry, IndexEntry::of(&numbered(number, 200)));
        assert_eq!(is_whole(&archive.read(indexed.place).unwrap()), Some(number));
    }
    let segments = archive.segments().unwrap();
    assert!(segments.len() > 2);
    assert_eq!(segments.iter().map(|it| it.records).sum::<u64>(), 50);
    for it in &segments {
        assert_eq!(it.bytes, fs::metadata(it.id.path(&directory.0, Part::Records)).unwrap().len());
        assert_eq!((it.first, it.state), (it.id.time(), SegmentState::Ended));
    }
    assert_eq!(segments.last().unwrap().last, Duration::from_millis(49));
}

#[test]
fn a_list_can_do_without_summaries() {
    let directory = Directory::new();
    let archive = directory.archive();
    fill(&archive, 0..30);
    let with = archive.segments().unwrap();
    for it in &with {
        fs::remove_file(it.id.path(&directory.0, Part::Summary)).unwrap();
    }
    let open = |it: SegmentInfo| SegmentInfo { state: SegmentState::Open, ..it };
    let without: Vec<_> = with.iter().cloned().map(open).collect();
    assert_eq!(archive.segments().unwrap(), without);
    drop(Writer::open(archive.clone(), roll(4_000)).unwrap());
    assert_eq!(archive.segments().unwrap(), with, "the next writer makes them anew");
}

#[test]
fn a_filter_lets_through_what_was_asked_for() {
    let directory = Directory::new();
    let archive = directory.archive();
    fill(&archive, 0..50);
    let through = |filter: Filter| -> Vec<u64> {
        let exchanges = archive.exchanges(filter).unwrap();
        exchanges.map(|it| is_whole(&it.unwrap().1).unwrap()).collect()
    };
    let [since, until] = [20, 23].map(Duration::from_millis).map(Some);
    assert_eq!(through(Filter { since, until, ..Filter::all() }), [20, 21, 22]);
    assert_eq!(through(Filter { since, key: Some("key-0".into()), ..Filter::all() }).len(), 10);
    let session = Some("session-6".into());
    assert_eq!(through(Filter { session, ..Filter::all() }), [6, 13, 20, 27, 34, 41, 48]);
    let request_id = Some("request-7".into());
    assert_eq!(through(Filter { request_id, ..Filter::all() }), [7]);
    assert!(through(Filter { status: Some(200), ..Filter::all() }).is_empty());
}

#[test]
fn what_was_flushed_can_be_read_while_it_is_written() {
    let directory = Directory::new();
    let archive = directory.archive();
    let mut writer = Writer::open(archive.clone(), roll(1 << 20)).unwrap();
    let now = Instant::now();
    writer.append(&numbered(1, 10), now).unwrap();
    assert!(numbers(&archive).is_empty());
    writer.flush().unwrap();
    writer.append(&numbered(2, 10), now).unwrap();
    assert_eq!(numbers(&archive), [1]);
    assert_eq!(archive.segments().unwrap()[0].state, SegmentState::Open);
    drop(writer);
    assert_eq!(numbers(&archive), [1], "what was not flushed is lost, and only that");
}

#[test]
fn a_segment_is_ended_by_its_size_and_by_its_age() {
    let directory = Directory::new();
    let age = Duration::from_secs(5);
    let mut writer = Writer::open(directory.archive(), Roll { bytes: 1_000, age }).unwrap();
    let now = Instant::now();
    let mut write = |number| {
        writer.append(&numbered(number, 300), now).unwrap();
        writer.flush().unwrap();
        writer.active().unwrap()
    };
    let first = write(1);
    assert_eq!(write(2), first);
    assert_ne!(write(3), first);
    writer.tick(now + age / 2).unwrap();
    assert!(writer.active().is_some());
    writer.tick(now + age).unwrap();
    assert_eq!(writer.active(), None);
    assert_eq!(writer.written(), 3);
}

#[test]
fn ids_ascend_whatever_the_clock_says() {
    let directory = Directory::new();
    let archive = directory.archive();
    for number in [5_000, 5_000, 7, 0, 9_000] {
        fill(&archive, [number]);
    }
    let ids: Vec<u64> = archive.segments().unwrap().iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [5_000, 5_001, 5_002, 5_003, 9_000]);
}

#[test]
fn there_is_one_writer_at_a_time() {
    let directory = Directory::new();
    let writer = Writer::open(directory.archive(), roll(1_000)).unwrap();
    let refused = Writer::open(directory.archive(), roll(1_000)).err();
    assert!(matches!(refused, Some(ArchiveError::InUse(_))), "{refused:?}");
    let refused = directory.archive().erase(Erase::Key("x".into()));
    assert!(matches!(refused, Err(ArchiveError::InUse(_))), "{refused:?}");
    drop(writer);
    Writer::open(directory.archive(), roll(1_000)).unwrap();
}

#[test]
fn a_segment_that_a_newer_program_wrote_is_left_alone_and_said_to_be_newer() {
    let directory = Directory::new();
    let archive = directory.archive();
    let written = fill(&archive, 0..30);
    let newer = written[0].place.segment;
    let path = newer.path(&directory.0, Part::Records);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 3;
    let sum = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    drop(Writer::open(archive.clone(), roll(4_000)).unwrap());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let mut exchanges = archive.exchanges(Filter::all()).unwrap();
    assert!(matches!(exchanges.next(), Some(Err(ReadError::Newer { version: 3, .. }))));
    assert!(exchanges.count() > 10, "the others are read");
    let erased = archive.erase(Erase::Key("key-0".into())).unwrap();
    assert_eq!(erased.closed, [newer]);
}
