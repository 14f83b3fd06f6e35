//! One objective of one model, or of one route: its counters, and what became of them over
//! time.
//!
//! Must not know: other budgets.

use crate::observe::RequestRecord;
use crate::observe::slo::burn::Pair;
use crate::observe::slo::past::Past;
use crate::observe::slo::trend::{Sums, Trend};
use crate::observe::slo::{Anomaly, Judgement, SloSeries, SloSettings, burn, judge};
use crate::types::{EventCounts, SloHistory, SloKey, SlotCounts};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An objective, with all that follows from it.
pub(super) struct Objective {
    /// Its place in the configuration.
    pub(super) position: usize,
    /// What the operator said.
    pub(super) settings: SloSettings,
    /// When its budget burns too fast.
    pub(super) pairs: [Pair; 4],
    /// The windows of `pairs`, in minutes, each once, ascending.
    pub(super) windows: Vec<u32>,
}

/// The budget of an objective.
pub(super) struct Budget {
    pub(super) objective: Arc<Objective>,
    pub(super) key: SloKey,
    series: SloSeries,
    /// The measured times in nanoseconds, and how many there were.
    took: [AtomicU64; 2],
    kept: Mutex<Kept>,
}

struct Kept {
    past: Past,
    trend: Trend,
}

/// What the past says at one moment.
pub(super) struct Moment<'a> {
    past: &'a Past,
    counted: EventCounts,
    /// Whether the last minutes are unlike the hour before.
    pub(super) anomaly: Anomaly,
}

impl Objective {
    pub(super) fn new(position: usize, settings: SloSettings) -> Self {
        let pairs = burn::pairs(settings.window);
        let windows = burn::windows(&pairs);
        Self { position, settings, pairs, windows }
    }

    /// The share of bad events that is allowed.
    pub(super) fn allowed(&self) -> f64 {
        1.0 - self.settings.objective
    }

    /// The period of the objective in minutes.
    pub(super) fn period(&self) -> u32 {
        u32::try_from(self.settings.window.as_secs() / 60).unwrap_or(u32::MAX)
    }
}

impl Budget {
    /// A budget that counts into `series` and goes on from `history`; its first tick follows.
    pub(super) fn new(
        objective: Arc<Objective>,
        key: SloKey,
        series: SloSeries,
        history: Option<&SloHistory>,
    ) -> Self {
        series.objective.set(objective.settings.objective);
        let past = history.map_or_else(Past::new, Past::restored);
        let kept = Mutex::new(Kept { past, trend: Trend::default() });
        Self { objective, key, series, took: Default::default(), kept }
    }

    /// Goes on from `history` instead of from nothing.
    pub(super) fn restore(&self, history: &SloHistory) {
        self.kept.lock().past = Past::restored(history);
    }

    /// Judges a request and counts it. The exported counters are what the past is made of, so
    /// that the two cannot disagree.
    pub(super) fn count(&self, record: &RequestRecord, patience: Option<Duration>) -> Judgement {
        let settings = &self.objective.settings;
        let judgement = judge::judge(record, settings, patience);
        if judgement == Judgement::Excluded {
            return judgement;
        }
        self.series.events.inc();
        if judgement == Judgement::Bad {
            self.series.bad.inc();
        }
        if let Some(took) = judge::measured(record, settings.indicator) {
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.took[0].fetch_add(nanoseconds, Ordering::Relaxed);
            self.took[1].fetch_add(1, Ordering::Relaxed);
        }
        judgement
    }

    /// The clock says `minute`, 0 if it was not asked yet: windows move on and gauges follow.
    pub(super) fn tick(&self, minute: u32) {
        let mut kept = self.kept.lock();
        self.advance(&mut kept, minute);
        self.refresh(&kept.past);
    }

    /// Looks at the past as it is in `minute`.
    pub(super) fn at<T>(&self, minute: u32, look: impl FnOnce(&Moment<'_>) -> T) -> T {
        let mut kept = self.kept.lock();
        self.advance(&mut kept, minute);
        let (counted, anomaly) = (self.counted(), kept.trend.anomaly());
        look(&Moment { past: &kept.past, counted, anomaly })
    }

    /// What happened since the last call.
    pub(super) fn take_unsaved(&self) -> Vec<SlotCounts> {
        self.kept.lock().past.take_unsaved(self.counted())
    }

    /// All that is kept of the past.
    pub(super) fn history(&self) -> SloHistory {
        self.kept.lock().past.history(self.key.clone(), self.counted())
    }

    fn advance(&self, kept: &mut Kept, minute: u32) {
        if minute == 0 {
            return;
        }
        let counted = self.counted();
        kept.past.advance(minute, counted);
        let [nanoseconds, measured] = self.took.each_ref().map(|n| n.load(Ordering::Relaxed));
        kept.trend.advance(minute, Sums { counts: counted, nanoseconds, measured });
    }

    /// Gauges of what is not known are NaN: neither nothing left nor all of it.
    fn refresh(&self, past: &Past) {
        let moment = Moment { past, counted: self.counted(), anomaly: Anomaly::default() };
        let allowed = self.objective.allowed();
        let consumed = burn::rate(moment.within(self.objective.period()), allowed);
        self.series.budget_remaining.set(consumed.map_or(f64::NAN, |consumed| 1.0 - consumed));
        for (gauge, window) in self.series.burn.iter().zip(&self.objective.windows) {
            gauge.set(burn::rate(moment.within(*window), allowed).unwrap_or(f64::NAN));
        }
    }

    /// The bad ones are read first and counted last, so that they are never more than all.
    fn counted(&self) -> EventCounts {
        let bad = self.series.bad.get();
        EventCounts { total: self.series.events.get(), bad }
    }
}

impl Moment<'_> {
    /// Events of the last `minutes`.
    pub(super) fn within(&self, minutes: u32) -> EventCounts {
        self.past.within(minutes, self.counted)
    }

    /// Minutes that there is a past of.
    pub(super) fn age(&self) -> u32 {
        self.past.age()
    }
}
