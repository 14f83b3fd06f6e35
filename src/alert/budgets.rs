//! What the reports on error budgets say is wrong: the conditions of the rules for Prometheus,
//! on the same counts.
//!
//! A budget with too few bad events is never wrong, whatever their share. Must not know: how a
//! budget is reckoned, or since when it burns.

use crate::alert::{BudgetFacts, Facts, Finding, Subject};
use crate::observe::slo::{BudgetReport, Severity, State};

/// What is wrong with the budgets of `reports`.
pub(super) fn findings(reports: &[BudgetReport]) -> impl Iterator<Item = Finding> {
    reports.iter().flat_map(of)
}

fn of(report: &BudgetReport) -> impl Iterator<Item = Finding> {
    let burning = [Severity::Page, Severity::Ticket].into_iter().filter_map(|severity| {
        let facts = BudgetFacts::of(report, Some(severity));
        let (slo, model) = (report.slo.clone(), report.model.clone());
        let subject = Subject::BudgetBurning { severity, slo, model };
        let is_burning = !facts.burn.is_empty();
        is_burning.then_some(Finding { subject, facts: Facts::Budget(facts) })
    });
    let spent = (report.state == State::Exhausted).then(|| Finding {
        subject: Subject::BudgetExhausted { slo: report.slo.clone(), model: report.model.clone() },
        facts: Facts::Budget(BudgetFacts::of(report, None)),
    });
    burning.chain(spent)
}
