//! States, burn rates and forecasts of budgets under simulated traffic.
//!
//! Must not know: what makes a request good.

use super::*;
use crate::observe::slo::{BudgetReport, Severity, SloBook, State};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u32 = 24 * 60;

/// A model under traffic, minute by minute.
struct Traffic {
    book: SloBook,
    minute: u32,
}

impl Traffic {
    fn new(objective: f64) -> Self {
        let slo = SloSettings { objective, ..SloSettings::standard() };
        let book = SloBook::new(vec![slo], |_, windows| series(windows.len()));
        book.add_model(ModelSlot::at(1), "m");
        let traffic = Self { book, minute: 30_000_000 };
        traffic.book.tick(traffic.now());
        traffic
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::from(self.minute) * 60)
    }

    /// So many minutes with so many events each.
    fn run(&mut self, minutes: u32, good: u32, bad: u32) -> &mut Self {
        let (served, failed) = (Request::served(), Request::failed(ErrorType::Dns));
        for _ in 0..minutes {
            for _ in 0..good {
                self.book.count(&served.0);
            }
            for _ in 0..bad {
                self.book.count(&failed.0);
            }
            self.minute += 1;
            self.book.tick(self.now());
        }
        self
    }

    fn report(&self) -> BudgetReport {
        self.book.report(self.now()).remove(0)
    }

    fn state(&self) -> State {
        self.report().state
    }
}

#[test]
fn without_traffic_nothing_is_known() {
    let mut traffic = Traffic::new(0.99);
    let report = traffic.run(100, 0, 0).report();
    assert_eq!(
        (report.state, report.sli, report.budget.remaining_ratio),
        (State::NoTraffic, None, None)
    );
    assert!(report.burn.iter().all(|burn| burn.long_rate.is_none() && !burn.burning));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["state"], "no traffic");
    assert!(json["sli"].is_null() && json["forecast"]["exhausted_in_seconds"].is_null());
}

#[test]
fn an_outage_pages_within_minutes_and_is_over_when_it_is() {
    let mut traffic = Traffic::new(0.99);
    assert_eq!(traffic.run(DAY, 60, 0).state(), State::Ok);
    let minutes = (1..60).find(|_| traffic.run(1, 0, 60).state() == State::Page).unwrap();
    assert!((1..=15).contains(&minutes), "paged after {minutes} minutes");
    let report = traffic.report();
    let burning: Vec<_> = report.burn.iter().filter(|burn| burn.burning).collect();
    assert_eq!((burning[0].severity, burning[0].long.as_str()), (Severity::Page, "1h"));
    let over = (1..60).find(|_| traffic.run(1, 60, 0).state() != State::Page).unwrap();
    assert!(over <= 35, "still paging after {over} minutes");
}

#[test]
fn one_failure_in_a_trickle_does_not_page() {
    let mut traffic = Traffic::new(0.99);
    traffic.run(30, 1, 0).run(1, 0, 1);
    assert_eq!(traffic.state(), State::InsufficientTraffic);
    assert!(traffic.report().burn.iter().all(|burn| !burn.burning));
    assert_eq!(traffic.run(120, 1, 0).state(), State::Ok, "one in 152 is less than one in 100");
}

#[test]
fn a_slow_burn_is_a_ticket() {
    let mut traffic = Traffic::new(0.99);
    assert_eq!(traffic.run(2 * DAY, 96, 4).state(), State::Exhausted);
    // The same burn after weeks that were good.
    let mut traffic = Traffic::new(0.99);
    assert_eq!(traffic.run(20 * DAY, 20, 0).run(DAY, 19, 1).state(), State::Ticket);
}

#[test]
fn a_spent_budget_is_exhausted_even_when_all_is_well_again() {
    let mut traffic = Traffic::new(0.9);
    traffic.run(60, 8, 2).run(3 * DAY, 0, 0);
    let report = traffic.report();
    assert_eq!((report.state, report.sli), (State::Exhausted, Some(0.8)));
    assert!((report.budget.consumed_ratio.unwrap() - 2.0).abs() < 1e-9);
    assert_eq!(report.forecast.exhausted_in_seconds, Some(0));
}

#[test]
fn a_budget_comes_back_when_bad_days_leave_the_window() {
    let mut traffic = Traffic::new(0.9);
    traffic.run(60, 5, 5).run(29 * DAY, 1, 0).run(DAY + 120, 1, 0);
    let report = traffic.report();
    assert_eq!((report.bad_events, report.budget.remaining_ratio), (0, Some(1.0)));
}

#[test]
fn the_forecast_comes_true() {
    let mut traffic = Traffic::new(0.99);
    traffic.run(10 * DAY, 100, 0);
    assert_eq!(traffic.report().forecast.exhausted_in_seconds, None);
    traffic.run(6 * 60, 95, 5);
    let seconds = traffic.report().forecast.exhausted_in_seconds.unwrap();
    let predicted = u32::try_from(seconds / 60).unwrap();
    let left = |traffic: &Traffic| traffic.report().budget.remaining_ratio.unwrap();
    traffic.run(predicted * 98 / 100, 95, 5);
    assert!(left(&traffic) > 0.0, "{predicted} minutes were too long");
    traffic.run(predicted * 4 / 100, 95, 5);
    assert!(left(&traffic) <= 0.0, "{predicted} minutes were too short");
}

#[test]
fn a_budget_that_lasts_has_no_end() {
    let mut traffic = Traffic::new(0.9);
    assert_eq!(traffic.run(DAY, 95, 5).report().forecast.exhausted_in_seconds, None);
}

#[test]
fn gauges_say_what_the_report_says() {
    let slo = SloSettings { objective: 0.9, ..SloSettings::standard() };
    let shared = series(7);
    let opened = shared.clone();
    let book = SloBook::new(vec![slo], move |_, windows| {
        assert_eq!(windows, ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]);
        opened.clone()
    });
    book.add_model(ModelSlot::at(1), "m");
    assert_eq!(shared.objective.get(), 0.9);
    assert!(shared.budget_remaining.get().is_nan(), "not known is neither none nor all");
    let mut traffic = Traffic { book, minute: 30_000_000 };
    traffic.run(10, 95, 5);
    let report = traffic.report();
    assert_eq!(Some(shared.budget_remaining.get()), report.budget.remaining_ratio);
    assert_eq!(Some(shared.burn[2].get()), report.burn[0].long_rate);
    assert_eq!((shared.events.get(), shared.bad.get()), (1_000, 50));
}
