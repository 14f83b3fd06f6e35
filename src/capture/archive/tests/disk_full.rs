//! A disk that fails, and recovers.

use super::*;
use crate::capture::segment::{Disk, SystemDisk, Tape};
use parking_lot::Mutex;
use std::io::{Error, ErrorKind};

/// The system's disk, with as much room as is said here.
#[derive(Clone)]
struct SmallDisk(Arc<Mutex<Room>>);

struct Room {
    bytes: u64,
    error: ErrorKind,
}

struct SmallTape {
    tape: Box<dyn Tape>,
    room: Arc<Mutex<Room>>,
}

impl SmallDisk {
    fn with(bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(Room { bytes, error: ErrorKind::StorageFull })))
    }

    fn leave(&self, bytes: u64) {
        self.0.lock().bytes = bytes;
    }

    fn writer(&self, archive: &Archive) -> Writer {
        Writer::open_on(Box::new(self.clone()), archive.clone(), roll(4_000)).unwrap()
    }
}

impl Disk for SmallDisk {
    fn begin(&self, path: &Path) -> io::Result<Box<dyn Tape>> {
        let room = self.0.lock();
        if room.bytes == 0 {
            return Err(Error::from(room.error));
        }
        let tape = SystemDisk.begin(path)?;
        Ok(Box::new(SmallTape { tape, room: Arc::clone(&self.0) }))
    }
}

impl Tape for SmallTape {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut room = self.room.lock();
        let fits = room.bytes.min(bytes.len() as u64);
        // As `write(2)` does: what fits is written before the error is.
        self.tape.write_at(&bytes[..fits as usize], offset)?;
        if fits < bytes.len() as u64 {
            return Err(Error::from(room.error));
        }
        room.bytes -= fits;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.tape.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.tape.sync()
    }
}

fn settings() -> CaptureSettings {
    CaptureSettings { roll: roll(4_000), queue: 100_000, ..CaptureSettings::default() }
}

fn start(disk: &SmallDisk, archive: &Archive) -> (CaptureHandle, std::thread::JoinHandle<()>) {
    let retry = Duration::from_millis(5);
    let hook: CaptureHook = Box::new(|_| {});
    // The oldest record is of 1970.
    let keep = Retention { bytes: u64::MAX, age: Duration::MAX };
    let settings = CaptureSettings { keep, ..settings() };
    let writer = disk.writer(archive);
    CaptureWorker::start_with(writer, &settings, retry, Clock::system(), hook).unwrap()
}

fn submit(handle: &CaptureHandle, number: u64) -> bool {
    let reserved = handle.reserve(200);
    let is_room = reserved.is_some();
    if let Some(reserved) = reserved {
        handle.submit(&numbered(number, 200), reserved);
    }
    is_room
}

#[test]
fn a_flush_that_fails_leaves_no_part_of_a_frame_and_can_be_made_again() {
    for room in (1..400).step_by(17) {
        let directory = Directory::new();
        let archive = directory.archive();
        let disk = SmallDisk::with(room);
        let mut writer = disk.writer(&archive);
        writer.append(&numbered(1, 200), Instant::now()).unwrap();
        if writer.flush().is_ok() {
            assert!(room > 300);
            continue;
        }
        let file = writer.active().unwrap().path(&directory.0, Part::Records);
        assert_eq!(fs::metadata(&file).unwrap().len(), 0, "cut back at {room}");
        writer.append(&numbered(2, 200), Instant::now()).unwrap();
        disk.leave(10_000);
        writer.flush().unwrap();
        assert_eq!(numbers(&archive), [1, 2]);
    }
}

#[test]
fn a_full_disk_pauses_the_capture_which_goes_on_by_itself() {
    let directory = Directory::new();
    let archive = directory.archive();
    let disk = SmallDisk::with(2_000);
    let (handle, thread) = start(&disk, &archive);
    let mut taken = 0;
    until(|| {
        taken += u64::from(submit(&handle, taken));
        matches!(handle.state(), CaptureState::Paused { disk_full: true, .. })
    });
    let whole = numbers(&archive);
    assert!(archive.verify().unwrap().iter().all(|it| it.bad_frames + it.torn == 0));
    assert!(whole.len() < taken as usize);
    assert!(!submit(&handle, 0), "nothing is taken meanwhile");
    assert!(handle.counts().dropped(DropReason::Paused) > 0);

    disk.leave(u64::MAX);
    until(|| handle.state() == CaptureState::Running);
    assert!(submit(&handle, 1_000_000));
    handle.stop();
    thread.join().unwrap();
    let counts = handle.counts();
    let lost = counts.dropped(DropReason::Paused) + counts.dropped(DropReason::QueueFull);
    let read = numbers(&archive);
    assert_eq!(read.last(), Some(&1_000_000));
    assert_eq!(counts.written, read.len() as u64);
    assert_eq!(counts.dropped(DropReason::WriteError), 0);
    assert!(read.len() as u64 + lost > taken, "what is not there was counted");
    assert_eq!(handle.usage().queued, 0);
}

#[test]
fn a_segment_that_cannot_be_begun_is_begun_later() {
    let directory = Directory::new();
    let archive = directory.sealed();
    let disk = SmallDisk::with(0);
    let (handle, thread) = start(&disk, &archive);
    assert!(submit(&handle, 7));
    until(|| handle.state() != CaptureState::Running);
    assert!(directory.files().is_empty(), "not even a key");
    disk.leave(u64::MAX);
    until(|| handle.counts().written == 1);
    handle.stop();
    thread.join().unwrap();
    assert_eq!(numbers(&archive), [7]);
}

#[test]
fn what_can_not_be_written_to_the_end_is_counted() {
    let directory = Directory::new();
    let archive = directory.archive();
    let disk = SmallDisk::with(1);
    disk.0.lock().error = ErrorKind::Other;
    let (handle, thread) = start(&disk, &archive);
    assert!(submit(&handle, 7));
    until(|| matches!(handle.state(), CaptureState::Paused { disk_full: false, .. }));
    handle.stop();
    thread.join().unwrap();
    assert_eq!((handle.counts().written, handle.counts().dropped(DropReason::WriteError)), (0, 1));
}

#[tokio::test]
async fn nothing_is_promised_to_be_erased_while_nothing_can_be_written() {
    let directory = Directory::new();
    let disk = SmallDisk::with(1);
    let (handle, thread) = start(&disk, &directory.archive());
    assert!(submit(&handle, 7));
    let refused = handle.erase(Erase::Key("key-1".into())).await;
    assert!(matches!(refused, Err(ArchiveError::Paused(_) | ArchiveError::Io(_))), "{refused:?}");
    until(|| handle.state() != CaptureState::Running);
    let refused = handle.roll().await;
    assert!(matches!(refused, Err(ArchiveError::Paused(_))), "{refused:?}");
    handle.stop();
    thread.join().unwrap();
}
