//! Segments that are cut and damaged: what is whole in them is found.

use super::made::{is_whole, numbered};
use super::*;
use crate::capture::MasterKey;
use crate::types::{Random, Secret};
use std::fs;
use std::path::{Path, PathBuf};

const ID: SegmentId = SegmentId(1_767_225_600_123);

/// A directory that goes with the value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let number = Random::from_system().next_u64();
        let path = std::env::temp_dir().join(format!("transom-segment-{number:016x}"));
        create_directory(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn master() -> Master {
    Master::new(&MasterKey(Secret::new("5a".repeat(32)))).unwrap()
}

/// A segment with `records` of them, each in a block of its own. Returns where each begins, and
/// its length.
fn segment(directory: &Path, records: u64, master: Option<&Master>) -> (Vec<u64>, u64) {
    let mut active = ActiveSegment::begin(&SystemDisk, directory, ID, master).unwrap();
    let (mut packer, mut gathered) = (Packer::new().unwrap(), Gathered::default());
    let mut offsets = Vec::new();
    for number in 0..records {
        offsets.push(active.length());
        let exchange = numbered(number, 60);
        gathered.add(Draft::of(&exchange).unwrap());
        let block = packer.pack(gathered.records()).unwrap();
        assert!(active.append(block, &mut gathered));
    }
    assert_eq!(active.flush().unwrap(), records);
    (offsets, active.length())
}

/// The numbers of the whole records, and the places where something else is.
fn read(directory: &Path, master: Option<&Master>) -> (Vec<u64>, usize) {
    let mut reader = SegmentReader::open(directory, ID, master).unwrap();
    let (mut numbers, mut bad) = (Vec::new(), 0);
    while let Some(step) = reader.step().unwrap() {
        let Step::Frame(frame) = step else {
            bad += 1;
            continue;
        };
        let packed = reader.packed(frame).unwrap();
        let block = reader.block(&packed).unwrap();
        let whole = |ordinal| is_whole(&block.exchange(ordinal).unwrap());
        numbers.extend((0..block.records()).map(|ordinal| whole(ordinal).expect("only whole")));
    }
    (numbers, bad)
}

#[test]
fn a_segment_that_is_cut_anywhere_in_its_last_frame_has_all_the_others() {
    for master in [None, Some(master())] {
        let directory = Directory::new();
        let (offsets, length) = segment(&directory.0, 5, master.as_ref());
        let path = ID.path(&directory.0, Part::Records);
        let whole = fs::read(&path).unwrap();
        for cut in offsets[4]..length {
            fs::write(&path, &whole[..cut as usize]).unwrap();
            let tail = usize::from(cut > offsets[4]);
            assert_eq!(read(&directory.0, master.as_ref()), (vec![0, 1, 2, 3], tail), "{cut}");
        }
    }
}

#[test]
fn a_segment_that_is_cut_anywhere_has_what_stands_before() {
    let directory = Directory::new();
    let (offsets, length) = segment(&directory.0, 5, None);
    let path = ID.path(&directory.0, Part::Records);
    let whole = fs::read(&path).unwrap();
    for cut in (0..length).step_by(7) {
        fs::write(&path, &whole[..cut as usize]).unwrap();
        let ends = offsets.iter().skip(1).copied().chain([length]);
        let before: Vec<u64> =
            (0..).zip(ends).filter(|(_, end)| *end <= cut).map(|it| it.0).collect();
        assert_eq!(read(&directory.0, None).0, before, "{cut}");
    }
}

#[test]
fn any_flipped_bit_costs_one_block_and_no_more() {
    for master in [None, Some(master())] {
        let directory = Directory::new();
        let (offsets, length) = segment(&directory.0, 4, master.as_ref());
        let path = ID.path(&directory.0, Part::Records);
        let whole = fs::read(&path).unwrap();
        for (number, offset) in offsets.iter().enumerate() {
            let end = offsets.get(number + 1).copied().unwrap_or(length);
            let left: Vec<u64> = (0..4).filter(|it| *it != number as u64).collect();
            for bit in (8 * *offset..8 * end).step_by(11) {
                let mut flipped = whole.clone();
                flipped[bit as usize / 8] ^= 1 << (bit % 8);
                fs::write(&path, &flipped).unwrap();
                assert_eq!(read(&directory.0, master.as_ref()), (left.clone(), 1), "bit {bit}");
            }
        }
    }
}

#[test]
fn a_damaged_header_costs_nothing() {
    for master in [None, Some(master())] {
        let directory = Directory::new();
        segment(&directory.0, 3, master.as_ref());
        let path = ID.path(&directory.0, Part::Records);
        let mut damaged = fs::read(&path).unwrap();
        damaged[..header::HEADER].fill(0xff);
        fs::write(&path, &damaged).unwrap();
        assert_eq!(read(&directory.0, master.as_ref()), (vec![0, 1, 2], 0));
    }
}

#[test]
fn holes_and_garbage_between_frames_are_passed_over() {
    for master in [None, Some(master())] {
        let directory = Directory::new();
        let (offsets, _) = segment(&directory.0, 4, master.as_ref());
        let path = ID.path(&directory.0, Part::Records);
        let whole = fs::read(&path).unwrap();
        let (before, behind) = whole.split_at(offsets[2] as usize);
        let random = Random::seeded(7);
        let noise: Vec<u8> = (0..1_200_000).map(|_| random.next_u64() as u8).collect();
        for garbage in [vec![0; 1_200_000], noise] {
            fs::write(&path, [before, &garbage, behind].concat()).unwrap();
            assert_eq!(read(&directory.0, master.as_ref()), (vec![0, 1, 2, 3], 1));
        }
    }
}

#[test]
fn a_record_is_read_at_its_place_and_nowhere_else() {
    let directory = Directory::new();
    let (offsets, length) = segment(&directory.0, 3, None);
    let mut reader = SegmentReader::open(&directory.0, ID, None).unwrap();
    let mut read = |offset, ordinal| {
        reader.read(Place { segment: ID, offset, ordinal }).map(|it| is_whole(&it))
    };
    for offset in 0..length + 50 {
        let number = offsets.iter().position(|it| *it == offset);
        assert_eq!(read(offset, 0).ok(), number.map(|number| Some(number as u64)), "{offset}");
        assert!(matches!(read(offset, 1), Err(ReadError::NoRecord(_))), "{offset}");
    }
    assert!(read(u64::MAX, 0).is_err());
}

#[test]
fn nothing_of_a_sealed_record_can_be_read_in_the_file() {
    let directory = Directory::new();
    segment(&directory.0, 3, Some(&master()));
    for part in [Part::Records, Part::Key] {
        let bytes = fs::read(ID.path(&directory.0, part)).unwrap();
        assert!(!bytes.windows(7).any(|it| it == b"request" || it == b"session"));
    }
    let mode = |path: PathBuf| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(ID.path(&directory.0, Part::Records)), 0o600);
    assert_eq!(mode(ID.path(&directory.0, Part::Key)), 0o600);
    assert_eq!(mode(directory.0.clone()), 0o700);
}
