//! What stays after a crash, and what goes with time.

use super::*;
use crate::capture::archive::retention;

#[test]
fn a_torn_frame_at_the_end_is_cut_off_when_the_next_writer_comes() {
    let directory = Directory::new();
    let archive = directory.archive();
    let written = fill(&archive, 0..25);
    let last = written.last().unwrap().place;
    let path = last.segment.path(&directory.0, Part::Records);
    let whole = fs::read(&path).unwrap();
    for cut in (last.offset..whole.len() as u64).step_by(13) {
        fs::write(&path, &whole[..cut as usize]).unwrap();
        fs::remove_file(last.segment.path(&directory.0, Part::Summary)).ok();
        let report = archive.verify().unwrap().pop().unwrap();
        assert_eq!((report.torn, report.bad_frames), (cut - last.offset, 0));
        drop(Writer::open(archive.clone(), roll(4_000)).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), last.offset, "cut at {cut}");
        assert_eq!(numbers(&archive), (0..24).collect::<Vec<_>>());
        assert!(archive.verify().unwrap().iter().all(|it| it.torn + it.bad_frames == 0));
    }
}

#[test]
fn a_damaged_frame_anywhere_else_is_passed_over_and_counted() {
    let directory = Directory::new();
    let archive = directory.archive();
    let written = fill(&archive, 0..25);
    for hit in [3, 24] {
        let place = written[hit].place;
        let path = place.segment.path(&directory.0, Part::Records);
        let mut bytes = fs::read(&path).unwrap();
        bytes[place.offset as usize + 20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(archive.read(place).is_err());
    }
    // With the others of its block.
    let left: Vec<u64> = (0..24).filter(|number| !(3..6).contains(number)).collect();
    assert_eq!(numbers(&archive), left);
    let reports = archive.verify().unwrap();
    assert_eq!(reports.iter().map(|it| it.bad_frames).sum::<u64>(), 2);
    assert_eq!(reports.iter().map(|it| it.torn).sum::<u64>(), 0, "these were ended");
    assert_eq!(reports.iter().map(|it| it.records).sum::<u64>(), 21);
    let lengths = || archive.segments().unwrap().iter().map(|it| it.bytes).collect::<Vec<_>>();
    let before = lengths();
    drop(Writer::open(archive.clone(), roll(4_000)).unwrap());
    assert_eq!(lengths(), before, "nothing is cut");
}

#[test]
fn a_segment_with_nothing_in_it_goes() {
    let directory = Directory::new();
    fill(&directory.archive(), 0..1);
    for bytes in [0, 5, 32] {
        let empty = fs::read(directory.0.join("seg-0000000000000.cap")).unwrap();
        fs::write(directory.0.join("seg-0000000000009.cap"), &empty[..bytes]).unwrap();
        drop(Writer::open(directory.archive(), roll(4_000)).unwrap());
        assert_eq!(directory.files(), ["seg-0000000000000.cap", "seg-0000000000000.sum"]);
    }
}

#[test]
fn what_was_never_finished_goes_and_what_is_not_ours_stays() {
    let directory = Directory::new();
    fill(&directory.archive(), 0..1);
    let before = directory.files();
    fs::write(directory.0.join("seg-0000000000000.cap.new"), "half").unwrap();
    fs::write(directory.0.join("seg-0000000000007.sum"), "{}").unwrap();
    let strange = ["notes.new", "seg-0000000000007.key", "seg-7.cap.old"];
    strange.iter().for_each(|name| fs::write(directory.0.join(name), "x").unwrap());
    drop(Writer::open(directory.archive(), roll(4_000)).unwrap());
    let mut wanted = [before, strange.map(str::to_owned).to_vec()].concat();
    wanted.sort();
    assert_eq!(directory.files(), wanted);
}

#[test]
fn whole_segments_go_by_age_and_by_bytes_but_not_the_one_that_is_written() {
    let directory = Directory::new();
    let archive = directory.archive();
    fill(&archive, 0..60);
    let segments = archive.segments().unwrap();
    let apply = |bytes: u64, age: u64, now: u64, active| {
        let keep = Retention { bytes, age: Duration::from_millis(age) };
        let mut gone = Vec::new();
        let now = Duration::from_millis(now);
        let kept = retention::apply(&directory.0, keep, now, active, |id| gone.push(id)).unwrap();
        (kept, gone)
    };
    let total: u64 = segments.iter().map(|it| it.bytes).sum();
    let (kept, gone) = apply(total, 100, 100, None);
    assert_eq!((kept.segments, kept.bytes, gone), (segments.len() as u64, total, Vec::new()));

    let (_, gone) = apply(total - 1, 100, 100, None);
    assert_eq!(gone, [segments[0].id], "the oldest, and as few as will do");

    let old = segments[1].last.as_millis() as u64;
    let (_, gone) = apply(total, 100, old + 101, None);
    assert_eq!(gone, [segments[1].id], "by the newest of its records");

    let last = segments.last().unwrap();
    let (kept, gone) = apply(0, 0, 1 << 40, Some((last.id, last.bytes)));
    assert_eq!((kept.segments, kept.bytes), (1, 0));
    assert_eq!(gone.len(), segments.len() - 3);
    assert_eq!(directory.files().len(), 2);
}
