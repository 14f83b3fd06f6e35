//! The thread as traffic sees it.

use super::*;
use parking_lot::Mutex;
use std::thread::JoinHandle;

type Told = Arc<Mutex<Vec<CaptureEvent>>>;

fn start(directory: &Directory, queue: u64) -> (CaptureHandle, JoinHandle<()>, Told) {
    let keep = Retention { bytes: u64::MAX, age: Duration::MAX };
    start_with(
        directory,
        CaptureSettings { keep, queue, roll: roll(4_000), ..CaptureSettings::default() },
    )
}

fn start_with(
    directory: &Directory,
    settings: CaptureSettings,
) -> (CaptureHandle, JoinHandle<()>, Told) {
    let told = Told::default();
    let hook = {
        let told = Arc::clone(&told);
        Box::new(move |event| told.lock().push(event))
    };
    let started = CaptureWorker::start(&directory.0, &settings, Clock::system(), hook);
    let (handle, thread) = started.unwrap();
    (handle, thread, told)
}

fn submit(handle: &CaptureHandle, number: u64) {
    let reserved = handle.reserve(200).expect("there is room");
    handle.submit(&numbered(number, 200), reserved);
}

/// How many records can be read, as it was told.
fn written(told: &Told) -> u64 {
    let told = told.lock();
    let written = told.iter().map(|event| match event {
        CaptureEvent::Written(records) => *records,
        CaptureEvent::Gone(_) => 0,
    });
    written.sum()
}

#[test]
fn what_is_submitted_is_written_at_once_and_told() {
    let directory = Directory::new();
    let (handle, thread, told) = start(&directory, 1 << 20);
    submit(&handle, 1);
    until(|| handle.counts().written == 1);
    assert_eq!(numbers(&directory.archive()), [1]);
    assert_eq!(written(&told), 1);
    until(|| {
        handle.usage() == CaptureUsage { segments: 1, bytes: fs_bytes(&directory), queued: 0 }
    });
    (2..100).for_each(|number| submit(&handle, number));
    handle.stop();
    thread.join().unwrap();
    assert_eq!(numbers(&directory.archive()), (1..100).collect::<Vec<_>>());
    assert_eq!(written(&told), 99);
    assert!(
        directory.archive().segments().unwrap().iter().all(|it| it.state == SegmentState::Ended)
    );
}

fn fs_bytes(directory: &Directory) -> u64 {
    let segments = directory.archive().segments().unwrap();
    segments.iter().map(|it| it.bytes).sum()
}

#[test]
fn nobody_waits_when_the_queue_is_full() {
    let directory = Directory::new();
    let (handle, thread, _) = start(&directory, 10_000);
    let first = handle.reserve(5_000).unwrap();
    assert!(handle.reserve(5_000).is_none());
    assert_eq!(handle.counts().dropped(DropReason::QueueFull), 1);
    assert!(handle.grow(first, 10_000).is_none(), "given up as a whole");
    assert_eq!(handle.counts().dropped(DropReason::QueueFull), 2);
    assert_eq!(handle.usage().queued, 0);
    assert!(handle.reserve(5_000).is_some());
    drop(handle);
    thread.join().unwrap();
}

#[test]
fn an_exchange_that_is_too_large_is_counted_and_the_next_is_written() {
    let directory = Directory::new();
    let (handle, thread, _) = start(&directory, 1 << 30);
    let mut large = numbered(1, 0);
    large.error = Some(" ".repeat(9 << 20));
    handle.submit(&large, handle.reserve(0).unwrap());
    submit(&handle, 2);
    handle.stop();
    thread.join().unwrap();
    assert_eq!(handle.counts().dropped(DropReason::TooLarge), 1);
    assert_eq!(numbers(&directory.archive()), [2]);
    handle.submit(&numbered(3, 0), handle.reserve(0).unwrap());
    assert_eq!(handle.counts().dropped(DropReason::WriteError), 1, "the end has come");
}

#[tokio::test]
async fn a_running_capture_erases_and_tells_which_segments_have_changed() {
    let directory = Directory::new();
    let (handle, thread, told) = start(&directory, 1 << 20);
    (0..50).for_each(|number| submit(&handle, number));
    let erased = handle.erase(Erase::Key("key-1".into())).await.unwrap();
    let left: Vec<u64> = (0..50).filter(|number| number % 3 != 1).collect();
    assert_eq!(erased.records, 50 - left.len() as u64);
    let archive = directory.archive();
    assert_eq!(numbers(&archive), left);
    let gone = |event: &CaptureEvent| match event {
        CaptureEvent::Written(_) => None,
        CaptureEvent::Gone(segment) => Some(*segment),
    };
    let gone: Vec<_> = told.lock().iter().filter_map(gone).collect();
    assert_eq!((gone, written(&told)), (erased.segments, 50));
    // It goes on in a new segment.
    submit(&handle, 100);
    until(|| numbers(&archive).last() == Some(&100));
    handle.roll().await.unwrap();
    assert!(archive.segments().unwrap().iter().all(|it| it.state == SegmentState::Ended));
    handle.stop();
    thread.join().unwrap();
    let refused = handle.erase(Erase::Key("key-1".into())).await;
    assert!(matches!(refused, Err(ArchiveError::Stopped)), "{refused:?}");
}

#[tokio::test]
async fn traffic_goes_on_while_something_is_erased() {
    let directory = Directory::new();
    fill(&directory.archive(), 0..150);
    let (handle, thread, _) = start(&directory, 1 << 20);
    let first = handle.erase(Erase::Key("key-0".into()));
    let second = handle.erase(Erase::Key("key-1".into()));
    let traffic = async {
        for number in 10_000..10_050 {
            submit(&handle, number);
            tokio::task::yield_now().await;
        }
    };
    let (first, second, ()) = tokio::join!(first, second, traffic);
    // What is submitted before the second one is reached is its own as well.
    assert_eq!(first.unwrap().records, 50);
    assert!(second.unwrap().records >= 50);
    handle.stop();
    thread.join().unwrap();
    let numbers = numbers(&directory.archive());
    assert!(numbers.iter().all(|number| number % 3 == 2 || *number >= 10_000));
    assert_eq!(numbers.iter().filter(|number| **number < 10_000).count(), 50);
    assert_eq!(handle.counts().written, 50);
}

#[test]
fn old_segments_go_while_it_runs_and_are_told() {
    let directory = Directory::new();
    fill(&directory.archive(), 0..30);
    // All of these are of 1970.
    let (handle, thread, told) = start_with(&directory, CaptureSettings::default());
    until(|| directory.archive().segments().unwrap().is_empty());
    until(|| !told.lock().is_empty());
    handle.stop();
    thread.join().unwrap();
    assert!(told.lock().iter().all(|event| matches!(event, CaptureEvent::Gone(_))));
}

#[test]
fn a_hook_that_panics_costs_no_capture() {
    let directory = Directory::new();
    let keep = Retention { bytes: u64::MAX, age: Duration::MAX };
    let settings = CaptureSettings { keep, ..CaptureSettings::default() };
    let hook: CaptureHook = Box::new(|_| panic!("an index that is broken"));
    let (handle, thread) =
        CaptureWorker::start(&directory.0, &settings, Clock::system(), hook).unwrap();
    submit(&handle, 1);
    until(|| handle.counts().written == 1);
    submit(&handle, 2);
    until(|| handle.counts().written == 2);
    handle.stop();
    thread.join().unwrap();
    assert_eq!(numbers(&directory.archive()), [1, 2]);
    assert_eq!(handle.counts().dropped(DropReason::WriteError), 0);
}

#[test]
fn the_thread_ends_with_its_last_handle() {
    let directory = Directory::new();
    let (handle, thread, _) = start(&directory, 1 << 20);
    let other = handle.clone();
    drop(handle);
    assert!(!thread.is_finished());
    submit(&other, 1);
    drop(other);
    thread.join().unwrap();
    assert_eq!(numbers(&directory.archive()), [1]);
}
