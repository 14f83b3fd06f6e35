//! Archives with a key.

use super::*;

#[test]
fn a_sealed_archive_is_read_with_its_key_and_with_no_other() {
    let directory = Directory::new();
    let archive = directory.sealed();
    let place = fill(&archive, 0..25)[3].place;
    assert_eq!(numbers(&archive), (0..25).collect::<Vec<_>>());
    assert_eq!(is_whole(&archive.read(place).unwrap()), Some(3));

    let other = Archive::open(&directory.0, Some(&master(&"f".repeat(64)))).unwrap();
    let refused = other.read(place).unwrap_err().to_string();
    assert!(refused.contains("sealed under the master key"), "{refused}");
    let refused = directory.archive().read(place).unwrap_err().to_string();
    assert!(refused.contains("no master key is given"), "{refused}");
    let segments = archive.segments().unwrap().len();
    let items: Vec<_> = other.exchanges(Filter::all()).unwrap().collect();
    assert_eq!((items.len(), items.iter().all(Result::is_err)), (segments, true));
    for report in other.verify().unwrap() {
        assert!(matches!(report.condition, SegmentCondition::Unreadable(_)), "{report:?}");
        assert_eq!(report.bad_frames, 0, "its frames are whole, nevertheless");
    }
    let closed = other.erase(Erase::Key("key-1".into())).unwrap().closed;
    assert_eq!(closed.len(), segments, "nobody can say that nothing is left");
    assert!(Archive::open(&directory.0, Some(&master("f"))).is_err());
}

#[test]
fn a_segment_whose_key_is_deleted_is_shredded_and_said_to_be() {
    let directory = Directory::new();
    let archive = directory.sealed();
    let written = fill(&archive, 0..25);
    let shredded = written[0].place.segment;
    fs::remove_file(shredded.path(&directory.0, Part::Key)).unwrap();
    let left = written.iter().filter(|it| it.place.segment != shredded).count();
    assert_eq!(numbers(&archive).len(), left);
    assert!(matches!(archive.read(written[0].place), Err(ReadError::Key(KeyError::Shredded(_)))));
    let reports = archive.verify().unwrap();
    assert_eq!(reports[0].condition, SegmentCondition::Shredded);
    assert!(reports[1..].iter().all(|it| it.condition == SegmentCondition::Readable));
    let erased = archive.erase(Erase::Before(Duration::MAX)).unwrap();
    assert_eq!((erased.records, erased.closed), (left as u64, vec![]));
}

#[test]
fn a_writer_that_is_cut_off_while_a_segment_gets_a_new_key_leaves_it_readable() {
    use crate::capture::segment::KeyFile;
    let directory = Directory::new();
    let archive = directory.sealed();
    let segment = fill(&archive, 0..5)[0].place.segment;
    let before = fs::read(segment.path(&directory.0, Part::Key)).unwrap();
    // Both keys are there, and the file is still the old one.
    let mut keys = KeyFile::read(&directory.0, segment).unwrap().unwrap();
    keys.add(segment, archive.master.as_ref().unwrap()).unwrap();
    keys.write(&directory.0, segment).unwrap();
    assert_eq!(numbers(&archive), [0, 1, 2, 3, 4]);
    drop(Writer::open(archive.clone(), roll(4_000)).unwrap());
    assert_eq!(fs::read(segment.path(&directory.0, Part::Key)).unwrap(), before);
    assert_eq!(numbers(&archive), [0, 1, 2, 3, 4]);
}

#[test]
fn a_capture_goes_on_under_a_new_master_key_and_the_old_segments_keep_theirs() {
    let directory = Directory::new();
    fill(&directory.archive(), 0..5);
    fill(&directory.sealed(), 5..10);
    let new = Archive::open(&directory.0, Some(&master(&"a".repeat(64)))).unwrap();
    fill(&new, 10..15);
    let read = |archive: &Archive| archive.exchanges(Filter::all()).unwrap().flatten().count();
    assert_eq!((read(&directory.archive()), read(&directory.sealed()), read(&new)), (5, 10, 10));
}
