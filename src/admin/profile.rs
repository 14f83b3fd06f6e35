//! `/debug/pprof`: where this process spends its CPU time and its memory, in the format of
//! pprof (`profile.proto`, gzip left out), for `go tool pprof` and whatever else reads it.
//!
//! Must not know: requests or pages. While nobody asks, it costs nothing.

use crate::admin::AdminState;
use axum::extract::{FromRef, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pprof::protos::Message;
use pprof::{ProfilerGuard, ProfilerGuardBuilder};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Samples for each second of CPU time. Not 100, which could beat with what happens a
/// hundred times a second.
const FREQUENCY: i32 = 99;
/// Stacks that end in these are not walked: a sample taken while the unwinder holds one of
/// their locks would wait for itself.
const NOT_WALKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];
/// How long is sampled when nobody says, in seconds.
const USUAL: u64 = 10;
/// The longest time that can be asked for, in seconds.
const LONGEST: u64 = 60;

/// Whose turn it is: one profile at a time, since the timer that samples belongs to the
/// whole process. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Profiling(Arc<Semaphore>);

impl Default for Profiling {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl FromRef<AdminState> for Profiling {
    fn from_ref(state: &AdminState) -> Self {
        state.profiling.clone()
    }
}

/// Samples the CPU for `?seconds=` 1 to 60, then answers with the profile. A caller that
/// leaves ends the sampling.
pub(super) async fn cpu(State(turn): State<Profiling>, RawQuery(query): RawQuery) -> Response {
    let Some(length) = seconds(query.as_deref().unwrap_or_default()) else {
        let text = format!("seconds must be a whole number from 1 to {LONGEST}\n");
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    match profile(turn, length).await {
        Ok(profile) => attachment("transom-cpu.pb", profile),
        Err(refusal) => refusal.into_response(),
    }
}

/// Who holds memory, as far as the allocator keeps account of it: a build with the feature
/// `heap-profile`, started with `_RJEM_MALLOC_CONF=prof:true` in its environment. Any other
/// says that it does not.
pub(super) async fn heap(State(turn): State<Profiling>) -> Response {
    match allocations(turn).await {
        Ok(profile) => attachment("transom-heap.pb.gz", profile),
        Err(refusal) => refusal.into_response(),
    }
}

/// Why there is no profile.
#[derive(Debug)]
enum Refusal {
    Busy,
    Impossible(&'static str),
    Failed(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Busy => {
                let text = "a profile is being taken; ask again when it is done\n";
                (StatusCode::CONFLICT, text).into_response()
            }
            Self::Impossible(why) => (StatusCode::NOT_IMPLEMENTED, why).into_response(),
            Self::Failed(error) => {
                tracing::error!(error, "this process could not be profiled");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

async fn profile(Profiling(turn): Profiling, length: Duration) -> Result<Vec<u8>, Refusal> {
    let turn = turn.try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let builder = ProfilerGuardBuilder::default().frequency(FREQUENCY).blocklist(&NOT_WALKED);
    let sampling = builder.build().map_err(Refusal::from)?;
    tokio::time::sleep(length).await;
    // Finding the names of functions takes long, and belongs on no thread that serves.
    let encoded = tokio::task::spawn_blocking(move || encode(sampling, turn)).await;
    encoded.unwrap_or_else(|panic| Err(Refusal::Failed(panic.to_string())))
}

/// Ends the sampling, and only then the turn.
fn encode(
    sampling: ProfilerGuard<'static>,
    turn: OwnedSemaphorePermit,
) -> Result<Vec<u8>, Refusal> {
    let profile = sampling.report().build().and_then(|report| report.pprof());
    drop(sampling);
    drop(turn);
    Ok(profile.map_err(Refusal::from)?.encode_to_vec())
}

#[cfg(not(feature = "heap-profile"))]
async fn allocations(_: Profiling) -> Result<Vec<u8>, Refusal> {
    let why = "this build's allocator keeps no account of who allocates: \
               build with --features heap-profile\n";
    Err(Refusal::Impossible(why))
}

#[cfg(feature = "heap-profile")]
async fn allocations(Profiling(turn): Profiling) -> Result<Vec<u8>, Refusal> {
    let turn = turn.try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let why = "the allocator keeps no account of who allocates: \
               start with _RJEM_MALLOC_CONF=prof:true in the environment\n";
    let account = jemalloc_pprof::PROF_CTL.clone().ok_or(Refusal::Impossible(why))?;
    let dumped = tokio::task::spawn_blocking(move || {
        let dumped = account.blocking_lock().dump_pprof();
        drop(turn);
        dumped.map_err(|error| Refusal::Failed(error.to_string()))
    });
    dumped.await.unwrap_or_else(|panic| Err(Refusal::Failed(panic.to_string())))
}

impl From<pprof::Error> for Refusal {
    fn from(error: pprof::Error) -> Self {
        match error {
            // Another proxy in this process.
            pprof::Error::Running => Self::Busy,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// The length that `query` asks for; `None` when it asks for one that cannot be.
fn seconds(query: &str) -> Option<Duration> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("seconds="));
    let seconds = values.next().map_or(Ok(USUAL), str::parse).ok()?;
    (1..=LONGEST).contains(&seconds).then(|| Duration::from_secs(seconds))
}

fn attachment(name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, &disposition),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pprof::protos::Profile;
    use std::hint::black_box;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_length_is_a_minute_at_most() {
        let length = |query| seconds(query).map(|length| length.as_secs());
        assert_eq!(length(""), Some(10));
        assert_eq!(length("debug=1&seconds=60"), Some(60));
        for odd in ["seconds=0", "seconds=61", "seconds=", "seconds=1.5", "seconds=-1"] {
            assert_eq!(length(odd), None, "{odd}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_profile_shows_what_kept_the_cpu_busy_and_is_taken_one_at_a_time() {
        let over = Arc::new(AtomicBool::new(false));
        let busy = std::thread::spawn({
            let over = Arc::clone(&over);
            move || {
                while !over.load(Ordering::Relaxed) {
                    (0..10_000_u64).map(black_box).sum::<u64>();
                }
            }
        });
        let turn = Profiling::default();
        let length = Duration::from_millis(400);
        // Joined in order, so that the first has begun when the others ask.
        let (first, second, other) = tokio::join!(
            profile(turn.clone(), length),
            profile(turn.clone(), length),
            profile(Profiling::default(), length),
        );
        over.store(true, Ordering::Relaxed);
        busy.join().unwrap();
        assert!(matches!(second, Err(Refusal::Busy)), "{second:?}");
        assert!(matches!(other, Err(Refusal::Busy)), "one process, one timer: {other:?}");
        let profile = Profile::decode(&*first.unwrap()).unwrap();
        assert!(!profile.sample.is_empty());
        let names = profile.string_table.join("\n");
        assert!(names.contains("a_profile_shows"), "{names}");
        // And the turn is free again.
        assert_eq!(turn.0.available_permits(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_is_said() {
        let query = RawQuery(Some("seconds=3600".to_owned()));
        assert_eq!(cpu(State(Profiling::default()), query).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(Refusal::Busy.into_response().status(), StatusCode::CONFLICT);
        assert_eq!(heap(State(Profiling::default())).await.status(), StatusCode::NOT_IMPLEMENTED);
    }
}
