//! Sums as charts see them.

use super::*;
use crate::history::testing::{UPSTREAMS, failed, names, request, texts};
use crate::observe::{CacheFacts, Origin, Saved};
use crate::types::{
    CacheStatus, CacheTier, ErrorType, ModelSlot, NanoUsd, Outcome, Random, Usage, UsageSource,
};
use std::time::UNIX_EPOCH;

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A shelf that outlives the sums and can fail.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(MemoryShelf, Health)>>);

#[derive(Clone, Copy, Default, PartialEq)]
enum Health {
    #[default]
    Fine,
    Full,
}

impl Shelf for Shared {
    fn models(&mut self) -> Result<Vec<String>, ShelfError> {
        self.0.lock().0.models()
    }

    fn read(
        &mut self,
        model: &str,
        span: RollupSpan,
        slots: Range<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ShelfError> {
        self.0.lock().0.read(model, span, slots)
    }

    fn write(&mut self, rows: Vec<RollupRow>) -> Result<(), ShelfError> {
        let (shelf, health) = &mut *self.0.lock();
        if *health == Health::Full {
            return Err(ShelfError("no space left on device".to_owned()));
        }
        shelf.write(rows)
    }

    fn forget(&mut self, span: RollupSpan, before: u32) -> Result<(), ShelfError> {
        self.0.lock().0.forget(span, before)
    }
}

impl Shared {
    fn open(&self) -> Rollups {
        Rollups::new(&texts(&UPSTREAMS), Box::new(self.clone()))
    }
}

/// A few seconds into the minute that was so many minutes ago.
fn ago(minutes: u32) -> SystemTime {
    let now = minute_of(Clock::system().date());
    UNIX_EPOCH + MINUTE * (now - minutes) + 5_000 * MS
}

fn last(length: Duration) -> Period {
    Period::last(length, Clock::system().date())
}

fn total(rollups: &Rollups, model: Option<&str>, period: &Period) -> Tally {
    rollups.total(model, period).expect("an answer").unwrap_or_default()
}

#[test]
fn a_request_counts_for_its_model_and_for_all() {
    let (rollups, names) = (Shared::default().open(), names());
    let mut answered = request("r", 1_000 * MS);
    answered.cost = Some(NanoUsd(70));
    rollups.count(&answered, &names, ago(1));
    rollups.count(&failed("f", ErrorType::Dns), &names, ago(1));
    let mut hit = request("h", MS);
    hit.attempts.clear();
    hit.cache = Some(CacheFacts::new(CacheStatus::Hit(CacheTier::Memory)));
    let tokens = Some(Usage { input: 3, output: 11, source: UsageSource::Upstream });
    hit.spare(Saved { time: MS, tokens, cost: Some(NanoUsd(40)) });
    rollups.count(&hit, &names, ago(1));
    for saved in [false, true] {
        if saved {
            rollups.save().expect("room");
        }
        for model in [Some("m1"), None] {
            let tally = total(&rollups, model, &last(HOUR));
            assert_eq!((tally.requests(), tally.outcome(Outcome::Success)), (3, 2));
            assert_eq!(tally.success_ratio(), Some(2.0 / 3.0));
            assert_eq!(tally.errors(), [(ErrorType::Dns, 1)]);
            assert_eq!((tally.tokens_in(), tally.tokens_out()), (6, 22), "the cache's apart");
            assert_eq!((tally.cost(), tally.saved_cost()), (NanoUsd(70), NanoUsd(40)));
            assert_eq!((tally.saved_tokens(), tally.cache_answers()), (14, 1));
            assert_eq!(tally.cache_share(), Some(1.0 / 3.0));
            assert_eq!(tally.times(Quantity::Duration).count(), 2, "not the cache's");
            let upstreams: Vec<_> = tally.upstreams().collect();
            assert_eq!(upstreams, [("vllm-a", UpstreamTally { ok: 1, failed: 1 })]);
        }
        assert_eq!(total(&rollups, Some("m2"), &last(HOUR)), Tally::default());
    }
    assert_eq!(rollups.status().unsaved, 0);
}

#[test]
fn a_refresh_is_no_request_but_what_it_spent_was_spent() {
    let (rollups, names) = (Shared::default().open(), names());
    let mut refresh = request("r", MS);
    refresh.origin = Origin::Refresh;
    rollups.count(&refresh, &names, ago(0));
    let tally = total(&rollups, Some("m1"), &last(HOUR));
    assert_eq!((tally.requests(), tally.times(Quantity::Duration).count()), (0, 0));
    assert_eq!((tally.tokens_out(), tally.upstreams().count()), (11, 1));
}

#[test]
fn minutes_hours_and_days_agree_however_often_they_are_saved_and_read_again() {
    let (shelf, names, random) = (Shared::default(), names(), Random::seeded(5));
    let mut rollups = shelf.open();
    let mut counted = 0;
    for _ in 0..3_000 {
        let mut record = match random.below(4) {
            0 => failed("f", ErrorType::all().nth(random.below(30) as usize).expect("one")),
            _ => request("r", MS * random.below(1 << random.below(20)) as u32),
        };
        record.call.model = ModelSlot::at(random.below(4) as u32);
        rollups.count(&record, &names, ago(random.below(47 * 60) as u32));
        counted += 1;
        match random.below(100) {
            0 => {
                rollups.save().expect("room");
                rollups = shelf.open();
            }
            1..5 => rollups.save().expect("room"),
            _ => {}
        }
    }
    let period = last(3 * DAY);
    let by = |model: Option<&str>, span: RollupSpan| {
        let columns = period.columns(24 * 60, span);
        let rows = rollups.rows(model, (span, columns.slots())).expect("an answer");
        rows.values().fold(Tally::default(), |mut sum, more| {
            sum.add(more);
            sum
        })
    };
    let all = by(None, RollupSpan::Minute);
    assert_eq!(all.requests(), counted);
    let mut models = Tally::default();
    for model in ["_other", "m1", "m2", "m3"] {
        let minutes = by(Some(model), RollupSpan::Minute);
        assert!(minutes.requests() > 500);
        assert_eq!(by(Some(model), RollupSpan::Hour), minutes);
        assert_eq!(by(Some(model), RollupSpan::Day), minutes);
        models.add(&minutes);
    }
    assert_eq!(by(None, RollupSpan::Hour), all);
    assert_eq!(by(None, RollupSpan::Day), all);
    assert_eq!(models, all);
}

#[test]
fn a_clock_that_was_set_back_adds_to_what_is_there_and_nothing_ends_in_the_future() {
    let (rollups, names) = (Shared::default().open(), names());
    for minutes in [3, 90, 3] {
        rollups.count(&request("r", MS), &names, ago(minutes));
        rollups.save().expect("room");
    }
    rollups.count(&request("r", MS), &names, ago(0) + 4_000 * DAY);
    rollups.count(&request("r", MS), &names, UNIX_EPOCH);
    let series = rollups.series(None, &last(2 * HOUR), Step::Minute).expect("an answer");
    let counted = |point: &Point| Some((point.from, point.tally.as_ref()?.requests()));
    let counted: Vec<_> = series.points.iter().filter_map(counted).collect();
    assert_eq!(counted.iter().map(|(_, requests)| *requests).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(counted[0].0 + 87 * MINUTE, counted[1].0);
    rollups.save().expect("the first minute of all is a minute, too");
}

#[test]
fn a_gap_is_no_zero() {
    let (rollups, names) = (Shared::default().open(), names());
    rollups.count(&request("r", MS), &names, ago(3));
    rollups.save().expect("room");
    rollups.beat();
    let now = Clock::system().date();
    let series = rollups.series(Some("m2"), &Period::new(ago(4), now), Step::Minute);
    let points = series.expect("an answer").points;
    assert_eq!(points[0].tally, None, "nobody was there");
    assert_eq!(points[1].tally, Some(Tally::default()), "others were asked");
    assert_eq!(
        (points[1].requests_per_second(), points[0].requests_per_second()),
        (Some(0.0), None)
    );
    assert_eq!(points.last().and_then(|point| point.tally.clone()), Some(Tally::default()));
    assert_eq!(Tally::default().success_ratio(), None);
}

#[test]
fn percentiles_are_read_off_sums_and_steps_are_as_long_as_they_say() {
    let (rollups, names) = (Shared::default().open(), names());
    for minutes in 0..30 {
        for ms in [100, 100, 100, 100, 2_000] {
            rollups.count(&request("r", ms * MS), &names, ago(minutes + 5));
        }
    }
    let series = rollups.series(Some("m1"), &last(HOUR), Step::FiveMinutes).expect("an answer");
    assert!((12..=14).contains(&series.points.len()), "{}", series.points.len());
    let full = series.points.iter().filter_map(|point| point.tally.as_ref());
    let full: Vec<_> = full.filter(|tally| tally.requests() == 25).collect();
    assert!(full.len() >= 5);
    for tally in full {
        let quantile = |share| tally.times(Quantity::Duration).quantile(share).expect("measured");
        assert!((75 * MS..170 * MS).contains(&quantile(0.5)), "{:?}", quantile(0.5));
        assert!((1_500 * MS..2_600 * MS).contains(&quantile(0.95)), "{:?}", quantile(0.95));
    }
    let first = series.points[0].from.duration_since(UNIX_EPOCH).expect("later");
    assert_eq!(first.as_secs() % 300, 0);
}

#[test]
fn a_heatmap_has_every_request_in_one_cell() {
    let (rollups, names) = (Shared::default().open(), names());
    for minutes in 0..100 {
        rollups.count(&request("r", MS * (1 + minutes * minutes)), &names, ago(minutes));
    }
    rollups.save().expect("room");
    let period = last(3 * HOUR);
    for (quantity, columns) in [(Quantity::Duration, 60), (Quantity::FirstToken, 7)] {
        let map = rollups.heatmap(None, quantity, (&period, columns)).expect("an answer");
        assert!(map.columns.len() <= columns + 1, "{}", map.columns.len());
        assert_eq!(map.dates.len(), map.columns.len() + 1);
        let cells: u64 = map.columns.iter().flatten().flatten().sum();
        assert_eq!((cells, map.most() > 0, map.ended(map.columns.len())), (100, true, None));
        let outside = |counts: &[u64; BUCKETS]| {
            counts.iter().enumerate().any(|(at, n)| *n > 0 && !map.buckets().contains(&at))
        };
        assert!(!map.columns.iter().flatten().any(outside));
    }
}

#[test]
fn this_hour_and_the_one_before_are_two_questions() {
    let (rollups, names) = (Shared::default().open(), names());
    rollups.count(&request("r", MS), &names, ago(10));
    rollups.count(&request("r", MS), &names, ago(70));
    rollups.count(&request("r", MS), &names, ago(80));
    let hour = last(HOUR);
    assert_eq!(total(&rollups, None, &hour).requests(), 1);
    assert_eq!(total(&rollups, None, &hour.before()).requests(), 2);
    assert_eq!(rollups.total(None, &hour.before().before()), Ok(None));
}

#[test]
fn what_cannot_be_saved_stays_in_memory_until_it_can() {
    let (shelf, names) = (Shared::default(), names());
    let rollups = shelf.open();
    rollups.count(&request("r", MS), &names, ago(2));
    shelf.0.lock().1 = Health::Full;
    assert!(rollups.save().is_err() && rollups.save().is_err());
    rollups.count(&request("r", MS), &names, ago(2));
    assert_eq!(total(&rollups, Some("m1"), &last(HOUR)).requests(), 2);
    let expected = RollupStatus { unsaved: 2, dropped: 0, failures: 2, unreadable: 0 };
    assert_eq!(rollups.status(), expected);
    shelf.0.lock().1 = Health::Fine;
    rollups.save().expect("room");
    assert_eq!(rollups.status().unsaved, 0);
    assert_eq!(total(&shelf.open(), Some("m1"), &last(HOUR)).requests(), 2);
}

#[test]
fn memory_is_bounded_and_what_is_lost_is_counted() {
    let (shelf, names) = (Shared::default(), names());
    let rollups = shelf.open();
    shelf.0.lock().1 = Health::Full;
    for minute in 0..10_000_u32 {
        rollups.count(&request("r", MS), &names, UNIX_EPOCH + MINUTE * minute);
    }
    let status = rollups.status();
    assert_eq!((status.unsaved, status.dropped), (8_192, 10_000 - 8_192));
    assert!(rollups.save().is_err());
    assert_eq!(rollups.status(), RollupStatus { failures: 1, ..status });
}

#[test]
fn beyond_two_hundred_models_all_are_one() {
    let (shelf, names) = (Shared::default(), names());
    let rollups = shelf.open();
    for number in 0..300 {
        let mut record = request("r", MS);
        record.call.model = names.metrics.model_slot(&format!("model-{number}"));
        rollups.count(&record, &names, ago(1));
    }
    rollups.save().expect("room");
    let models = shelf.open().models();
    assert_eq!(models.len(), 201, "and `_other`");
    assert_eq!(total(&rollups, None, &last(HOUR)).requests(), 300);
    assert_eq!(total(&rollups, Some("model-7"), &last(HOUR)).requests(), 1);
    assert_eq!(total(&rollups, Some("_other"), &last(HOUR)).requests(), 100);
}

#[test]
fn rows_that_make_no_sense_are_left_out_and_counted() {
    let (mut shelf, names) = (Shared::default(), names());
    let slot = minute_of(ago(1));
    let row = RollupRow { model: "m1".into(), span: RollupSpan::Minute, slot, sums: vec![9; 9] };
    shelf.write(vec![row]).expect("room");
    let rollups = shelf.open();
    rollups.count(&request("r", MS), &names, ago(1));
    assert_eq!(total(&rollups, Some("m1"), &last(HOUR)).requests(), 1);
    assert_eq!(rollups.status().unreadable, 1);
    rollups.save().expect("room");
    assert_eq!(total(&shelf.open(), Some("m1"), &last(HOUR)).requests(), 1);
}
