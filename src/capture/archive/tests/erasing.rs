//! Records that go, and nothing of them stays.

use super::*;

/// Whether any file holds these bytes.
fn anywhere(directory: &Directory, bytes: &[u8]) -> bool {
    directory.files().iter().any(|name| {
        let file = fs::read(directory.0.join(name)).unwrap();
        file.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// Some of the body of a numbered exchange: random bytes, which zstd stores as they are.
fn trace_of(number: u64) -> Vec<u8> {
    let exchange = numbered(number, 200);
    exchange.request.body.kept().unwrap()[80..120].to_vec()
}

#[test]
fn nothing_of_an_erased_record_is_left_in_any_file() {
    for what in [
        Erase::Key("key-1".into()),
        Erase::Session("session-3".into()),
        Erase::RequestId("request-17".into()),
        Erase::Before(Duration::from_millis(25)),
    ] {
        let directory = Directory::new();
        let archive = directory.archive();
        let written = fill(&archive, 0..50);
        assert!((0..50).all(|number| anywhere(&directory, &trace_of(number))));
        let goes = |number: u64| what.matches(&written[number as usize].entry);
        let erased = archive.erase(what.clone()).unwrap();
        let left: Vec<u64> = (0..50).filter(|number| !goes(*number)).collect();
        assert_eq!(erased.records, 50 - left.len() as u64);
        assert_eq!(numbers(&archive), left, "{what:?}");
        for number in 0..50 {
            assert_eq!(anywhere(&directory, &trace_of(number)), !goes(number), "{number}");
        }
        let reports = archive.verify().unwrap();
        assert!(reports.iter().all(|it| it.bad_frames + it.torn == 0));
        assert_eq!(reports.iter().map(|it| it.records).sum::<u64>(), left.len() as u64);
        assert!(archive.segments().unwrap().iter().all(|it| it.state == SegmentState::Ended));
        assert!(directory.files().iter().all(|name| !name.ends_with(".new")));
        assert_eq!(archive.erase(what).unwrap(), Erased::default(), "there is no more");
    }
}

#[test]
fn segments_without_such_records_are_not_touched() {
    let directory = Directory::new();
    let archive = directory.archive();
    let written = fill(&archive, 0..50);
    let hit = written[17].place.segment;
    let age = |id: SegmentId| {
        fs::metadata(id.path(&directory.0, Part::Records)).unwrap().modified().unwrap()
    };
    let ids: Vec<_> = archive.segments().unwrap().iter().map(|it| it.id).collect();
    let before: Vec<_> = ids.iter().map(|id| age(*id)).collect();
    let erased = archive.erase(Erase::RequestId("request-17".into())).unwrap();
    assert_eq!((erased.records, erased.segments), (1, vec![hit]));
    for (id, before) in ids.into_iter().zip(before) {
        assert_eq!(age(id) == before, id != hit);
    }
}

#[test]
fn what_nobody_can_read_goes_as_well_since_nobody_can_say_whose_it_is() {
    let directory = Directory::new();
    let archive = directory.archive();
    let place = fill(&archive, 0..30)[4].place;
    let path = place.segment.path(&directory.0, Part::Records);
    let mut bytes = fs::read(&path).unwrap();
    bytes[place.offset as usize + 1] ^= 0x40;
    fs::write(&path, &bytes).unwrap();
    assert!(anywhere(&directory, &trace_of(4)));
    let erased = archive.erase(Erase::Key("nobody's".into())).unwrap();
    assert_eq!((erased.records, erased.bad_frames, erased.segments.len()), (0, 1, 1));
    assert!(!anywhere(&directory, &trace_of(4)));
    assert_eq!(numbers(&archive).len(), 27, "the others of its block are as lost as it is");
}

#[test]
fn a_sealed_segment_gets_a_new_key_when_it_is_rewritten() {
    let directory = Directory::new();
    let archive = directory.sealed();
    let segment = fill(&archive, 0..5)[0].place.segment;
    let (key, records) = (Part::Key, Part::Records);
    let [old_key, old] = [key, records].map(|it| fs::read(segment.path(&directory.0, it)).unwrap());
    archive.erase(Erase::Key("key-1".into())).unwrap();
    assert_eq!(numbers(&archive), [0, 2, 3]);
    let new_key = fs::read(segment.path(&directory.0, key)).unwrap();
    assert_eq!(new_key.len(), old_key.len(), "one key alone");
    assert_ne!(new_key, old_key);
    // The old file, found again on some disk, is worth nothing.
    fs::write(segment.path(&directory.0, records), old).unwrap();
    assert!(numbers(&archive).is_empty());
    assert_eq!(archive.verify().unwrap()[0].condition, SegmentCondition::Shredded);
}
