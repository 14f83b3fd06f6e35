//! The alerts: what is wrong, since when, and whether it is over.
//!
//! Whoever keeps it brings what is found and the date; it has no clock of its own. Must not know:
//! how anything is found, or who is told.

use crate::alert::log::Log;
use crate::alert::received::{Received, ReceivedAlert};
use crate::alert::{
    Alert, Facts, Finding, Notification, Standing, Subject, Taken, Transition, budgets,
};
use crate::observe::slo::BudgetReport;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// How long something has to be wrong before its alert fires; Prometheus, which looks every 15 s,
/// takes about as long to notice.
const PENDING: Duration = Duration::from_secs(10);
/// How long it has to be right again before its alert is resolved, so that what goes to and fro
/// is one alert.
const QUIET: Duration = Duration::from_secs(60);
/// How long a resolved alert is shown.
const SHOWN: Duration = Duration::from_secs(15 * 60);

/// All alerts, and what became of them lately.
#[derive(Default)]
pub struct AlertBook(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    alerts: BTreeMap<Subject, Tracked>,
    received: Received,
    log: Log,
}

/// An alert, and since when nothing has been found of what it is about.
struct Tracked {
    alert: Alert,
    quiet: Option<SystemTime>,
}

impl AlertBook {
    /// Looks at everything at `now`: at all budgets, and at what else was `found`. Returns the
    /// alerts that begin to fire and those that are resolved. To be called every few seconds.
    pub fn look(
        &self,
        reports: &[BudgetReport],
        found: Vec<Finding>,
        now: SystemTime,
    ) -> Vec<Alert> {
        let mut found: BTreeMap<Subject, Facts> = budgets::findings(reports)
            .chain(found)
            .map(|finding| (finding.subject, finding.facts))
            .collect();
        let mut pages = self.0.lock();
        let Pages { alerts, received, log } = &mut *pages;
        let mut changed = Vec::new();
        for (subject, tracked) in alerts.iter_mut() {
            let before = tracked.alert.standing;
            match found.remove(subject) {
                Some(facts) => tracked.found(facts, now),
                None => tracked.not_found(now),
            }
            let after = tracked.alert.standing;
            if before != after && after != Standing::Pending {
                changed.push(tracked.alert.clone());
            }
        }
        alerts.retain(|_, tracked| !tracked.is_forgotten(now));
        for (subject, facts) in found {
            alerts.insert(subject.clone(), Tracked::new(subject, facts, now));
        }
        changed.iter().for_each(|alert| log.add(alert.transition(now)));
        received.expire(now);
        changed
    }

    /// Takes what an Alertmanager says.
    pub fn take(&self, notification: Notification, now: SystemTime) -> Taken {
        let mut pages = self.0.lock();
        let Pages { received, log, .. } = &mut *pages;
        received.take(notification, now, |transition| log.add(transition))
    }

    /// The alerts: those that fire first, by urgency, the latest first.
    pub fn alerts(&self) -> Vec<Alert> {
        let pages = self.0.lock();
        let mut alerts: Vec<Alert> =
            pages.alerts.values().map(|tracked| tracked.alert.clone()).collect();
        let order = |alert: &Alert| (alert.standing, alert.subject.severity());
        alerts.sort_by(|a, b| order(a).cmp(&order(b)).then(b.since.cmp(&a.since)));
        alerts
    }

    /// The alerts of others, in the same order.
    pub fn received(&self) -> Vec<ReceivedAlert> {
        self.0.lock().received.all()
    }

    /// Alerts of others that there was no room for.
    pub fn left_out(&self) -> u64 {
        self.0.lock().received.left_out()
    }

    /// How many fire, of this proxy and of others.
    pub fn firing(&self) -> usize {
        let pages = self.0.lock();
        let fires = |tracked: &&Tracked| tracked.alert.standing == Standing::Firing;
        pages.alerts.values().filter(fires).count() + pages.received.firing()
    }

    /// What became of alerts lately, the latest first.
    pub fn log(&self) -> Vec<Transition> {
        self.0.lock().log.all()
    }
}

impl Tracked {
    fn new(subject: Subject, facts: Facts, now: SystemTime) -> Self {
        let standing = Standing::Pending;
        Self { alert: Alert { standing, subject, since: now, until: None, facts }, quiet: None }
    }

    /// It is still wrong, or again.
    fn found(&mut self, facts: Facts, now: SystemTime) {
        self.quiet = None;
        let alert = &mut self.alert;
        alert.facts = facts;
        match alert.standing {
            Standing::Pending if passed(alert.since, now) >= PENDING => {
                alert.standing = Standing::Firing;
            }
            Standing::Resolved => {
                (alert.standing, alert.since, alert.until) = (Standing::Pending, now, None);
            }
            Standing::Pending | Standing::Firing => {}
        }
    }

    /// Nothing is wrong with it now.
    fn not_found(&mut self, now: SystemTime) {
        let quiet = *self.quiet.get_or_insert(now);
        if self.alert.standing == Standing::Firing && passed(quiet, now) >= QUIET {
            (self.alert.standing, self.alert.until) = (Standing::Resolved, Some(quiet));
        }
    }

    /// What never fired is forgotten at once.
    fn is_forgotten(&self, now: SystemTime) -> bool {
        match self.alert.standing {
            Standing::Firing => false,
            Standing::Pending => self.quiet.is_some(),
            Standing::Resolved => self.quiet.is_some_and(|quiet| passed(quiet, now) >= SHOWN),
        }
    }
}

/// Since `then`; nothing when the clock was put back.
fn passed(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::EndpointFacts;
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn finding() -> Vec<Finding> {
        let subject = Subject::UpstreamFailing { upstream: "u".into(), endpoint: "h:1".into() };
        let (attempts, failed) = (40, 30);
        let (last_error, models) = (Some("500"), vec!["m".to_owned()]);
        let facts = EndpointFacts { attempts, failed, window_seconds: 60, last_error, models };
        vec![Finding { subject, facts: Facts::Endpoint(facts) }]
    }

    fn standing(book: &AlertBook) -> Option<Standing> {
        book.alerts().first().map(|alert| alert.standing)
    }

    #[test]
    fn what_stays_wrong_fires_and_is_resolved_when_it_stays_right() {
        let book = AlertBook::default();
        assert!(book.look(&[], finding(), at(0)).is_empty());
        assert_eq!((standing(&book), book.firing()), (Some(Standing::Pending), 0));
        assert!(book.look(&[], finding(), at(9)).is_empty());
        let fired = book.look(&[], finding(), at(10));
        assert_eq!((fired[0].standing, fired[0].since), (Standing::Firing, at(0)));
        assert!(book.look(&[], finding(), at(20)).is_empty(), "it is told once");
        assert!(book.look(&[], Vec::new(), at(25)).is_empty());
        assert!(book.look(&[], Vec::new(), at(84)).is_empty());
        assert_eq!(book.firing(), 1);
        let resolved = book.look(&[], Vec::new(), at(85));
        assert_eq!((resolved[0].standing, resolved[0].until), (Standing::Resolved, Some(at(25))));
        book.look(&[], Vec::new(), at(924));
        assert_eq!(standing(&book), Some(Standing::Resolved), "it is shown for a while");
        book.look(&[], Vec::new(), at(925));
        assert_eq!(standing(&book), None);
        let log = book.log();
        assert_eq!(log.iter().map(|t| t.firing).collect::<Vec<_>>(), [false, true]);
        assert_eq!(log[1].summary, "30 of 40 attempts failed in the last minute, last 500");
    }

    #[test]
    fn what_goes_to_and_fro_is_one_alert_and_what_was_short_is_none() {
        let book = AlertBook::default();
        book.look(&[], finding(), at(0));
        book.look(&[], Vec::new(), at(5));
        assert_eq!(standing(&book), None);
        let mut told = 0;
        for second in (10..600).step_by(5) {
            let found = if second / 30 % 2 == 0 { finding() } else { Vec::new() };
            told += book.look(&[], found, at(second)).len();
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn what_was_resolved_can_fire_again() {
        let book = AlertBook::default();
        let (mut told, mut log) = (Vec::new(), 0);
        for second in (0..400).step_by(5) {
            let found = if (100..300).contains(&second) { Vec::new() } else { finding() };
            for alert in book.look(&[], found, at(second)) {
                told.push((second, alert.standing));
                log += 1;
            }
        }
        assert_eq!(
            told,
            [(10, Standing::Firing), (160, Standing::Resolved), (310, Standing::Firing)]
        );
        assert_eq!(book.log().len(), log);
    }
}
