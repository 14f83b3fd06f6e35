//! What the values of a report are called, and in which unit each is told.
//!
//! Must not know: where the words are written.

use crate::human;
use crate::replay::{
    AnswerComparison, Arrival, Comparison, Effect, Failure, Metric, PlanHead, Quantity, Role,
    Schedule, Stage, Statistic, Verdict,
};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Spans of time.
    Seconds,
    /// So many a second.
    PerSecond,
    /// A share of 1.
    Share,
}

impl Unit {
    /// The unit's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::PerSecond => "per_second",
            Self::Share => "share",
        }
    }

    /// A value for people.
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Seconds => human::seconds(value),
            Self::PerSecond if value.is_finite() => format!("{}/s", human::number(value)),
            Self::PerSecond => human::number(value),
            Self::Share => human::share(value),
        }
    }

    /// A value with all its digits.
    pub fn exact(self, value: f64) -> String {
        let value = human::exact(value);
        match self {
            Self::Seconds => format!("{value} s"),
            Self::PerSecond => format!("{value} a second"),
            Self::Share => format!("{value} of 1"),
        }
    }

    /// The difference of two values for people.
    pub fn say_difference(self, value: f64) -> String {
        match self {
            Self::Seconds => human::seconds_difference(value),
            Self::PerSecond if value.is_finite() => {
                format!("{}/s", human::number_difference(value))
            }
            Self::PerSecond => human::number(value),
            Self::Share => human::share_difference(value),
        }
    }

    /// How far B is from A, without the interval.
    pub fn say_effect(self, effect: &Effect) -> String {
        match effect {
            Effect::Ratio { value, .. } => human::change(*value),
            Effect::Difference { value, .. } => self.say_difference(*value),
        }
    }

    /// The interval around it: `+2.9 % to +9.4 %`.
    pub fn say_interval(self, effect: &Effect) -> String {
        match effect {
            Effect::Ratio { low, high, .. } => {
                format!("{} to {}", human::change(*low), human::change(*high))
            }
            Effect::Difference { low, high, .. } => {
                format!("{} to {}", self.say_difference(*low), self.say_difference(*high))
            }
        }
    }
}

/// The unit of a quantity.
pub const fn unit(quantity: Quantity) -> Unit {
    match quantity {
        Quantity::Ttft
        | Quantity::TtftFromSend
        | Quantity::Latency
        | Quantity::LatencyFromSend
        | Quantity::InterChunk
        | Quantity::Tpot => Unit::Seconds,
        Quantity::OutputTokens | Quantity::Goodput | Quantity::SendRate => Unit::PerSecond,
        Quantity::Failures => Unit::Share,
    }
}

/// What a quantity is called in a table.
pub const fn quantity(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Ttft => "TTFT",
        Quantity::TtftFromSend => "TTFT from send",
        Quantity::Latency => "Latency",
        Quantity::LatencyFromSend => "Latency from send",
        Quantity::InterChunk => "Inter-chunk",
        Quantity::Tpot => "TPOT",
        Quantity::OutputTokens => "Output tokens",
        Quantity::Goodput => "Goodput",
        Quantity::Failures => "Failures",
        Quantity::SendRate => "Send rate",
    }
}

/// What that is.
pub const fn explained(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Ttft => "Time to first token, from the intended instant",
        Quantity::TtftFromSend => "Time to first token, from the instant of sending",
        Quantity::Latency => "Time to the last byte, from the intended instant",
        Quantity::LatencyFromSend => "Time to the last byte, from the instant of sending",
        Quantity::InterChunk => "Time between chunks of generated output",
        Quantity::Tpot => "Time per output token after the first",
        Quantity::OutputTokens => "Generated tokens a second, of all requests together",
        Quantity::Goodput => "Requests a second answered as the objectives ask",
        Quantity::Failures => "Share of requests that failed",
        Quantity::SendRate => "Requests a second that were sent",
    }
}

/// What a statistic is called.
pub const fn statistic(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Mean => "mean",
        Statistic::P50 => "p50",
        Statistic::P90 => "p90",
        Statistic::P95 => "p95",
        Statistic::P99 => "p99",
        Statistic::Total => "",
    }
}

/// What a metric is called: `TTFT p95`.
pub fn metric(metric: Metric) -> String {
    let (of, figure) = (quantity(metric.quantity), statistic(metric.statistic));
    if figure.is_empty() { of.to_owned() } else { format!("{of} {figure}") }
}

/// The verdict in capitals.
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "REGRESSED",
        Verdict::Improved => "IMPROVED",
        Verdict::Equivalent => "EQUIVALENT",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Invalid => "INVALID",
    }
}

/// A sign for it, so that it is not told by colour alone.
pub const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "!",
        Verdict::Improved => "+",
        Verdict::Equivalent => "=",
        Verdict::Inconclusive => "?",
        Verdict::Invalid => "×",
    }
}

/// What a metric or a rung is for.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Primary => "decides",
        Role::Informative => "explains",
    }
}

/// A finding in a table: in lower case if it decides nothing.
pub fn found(role: Role, finding: &str) -> String {
    match role {
        Role::Primary => finding.to_owned(),
        Role::Informative => finding.to_lowercase(),
    }
}

/// What counts as equal: `5 %, shares within 1 pp`.
pub fn margins(comparison: &Comparison) -> String {
    let shares = brief(100.0 * comparison.share_margin);
    format!("{}, shares within {shares} pp", human::brief(&human::share(comparison.margin)))
}

/// Which intervals are shown, and which decide: they are not the same.
pub fn levels(comparison: &Comparison) -> String {
    let at = |alpha: f64| human::brief(&human::share(1.0 - alpha));
    let (shown, equal) = (at(comparison.alpha), at(2.0 * comparison.alpha));
    format!("intervals are at {shown}, EQUIVALENT is decided by those at {equal}")
}

/// The same of answers.
pub fn answer_levels(answers: &AnswerComparison) -> String {
    let shown = human::brief(&human::share(answers.confidence));
    format!("intervals are at {shown}, WITHIN THE FLOOR is decided by those at 90 %")
}

/// Why requests failed.
pub const fn failure(failure: Failure) -> &'static str {
    match failure {
        Failure::Connect => "no connection",
        Failure::Exhausted => "no files or ports left",
        Failure::Broken => "connection broke",
        Failure::Timeout => "timed out",
        Failure::RateLimited => "rate limited (429)",
        Failure::ClientError => "client error (4xx)",
        Failure::ServerError => "server error (5xx)",
        Failure::Truncated => "stream cut short",
        Failure::StreamError => "error in the stream",
        Failure::NotSent => "not sent",
        Failure::Cancelled => "client left, as planned",
    }
}

/// What a rung of the ladder of answers asks.
pub fn rung(name: &str) -> &str {
    match name {
        "status" => "Status",
        "structure" => "JSON structure",
        "tools" => "Tool arguments",
        "finish" => "Finish reason",
        "length" => "Length",
        "text" => "Exact text",
        "similarity" => "Similarity",
        other => other,
    }
}

/// When requests were sent, in a phrase.
pub fn schedule(plan: &PlanHead) -> String {
    match &plan.options.schedule {
        Schedule::Recorded { speed } => format!("as recorded{}", at_speed(*speed)),
        Schedule::Sessions { speed } => format!("by conversation{}", at_speed(*speed)),
        Schedule::Open { arrival, stages } => {
            format!("{}, {}", open_stages(stages), arrivals(*arrival))
        }
        Schedule::Closed { stages, think } => {
            let most = stages.iter().map(|stage| stage.concurrency).max().unwrap_or(0);
            let least = stages.iter().map(|stage| stage.concurrency).min().unwrap_or(0);
            let at_a_time = if least == most {
                human::count(most.into())
            } else {
                format!("{least} to {most}")
            };
            let thinking = match think.0 {
                0 => String::new(),
                _ => format!(
                    ", {} between answer and request",
                    human::brief(&human::seconds(think.seconds()))
                ),
            };
            format!("{at_a_time} requests at a time{thinking}")
        }
    }
}

fn at_speed(speed: f64) -> String {
    if speed == 1.0 {
        String::new()
    } else {
        format!(", {} as fast", human::brief(&human::factor(speed)))
    }
}

fn open_stages(stages: &[Stage]) -> String {
    let rates = || stages.iter().flat_map(|stage| [stage.from, stage.to]);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    let lasts = stages.iter().map(|stage| stage.lasts.seconds()).sum::<f64>();
    let lasts = human::brief(&human::seconds(lasts));
    match stages.len() {
        0 => "no request".to_owned(),
        1 if low == high => format!("{}/s for {lasts}", brief(low)),
        _ if low == high => {
            format!("{}/s for {lasts} in {} stages", brief(low), stages.len())
        }
        1 => format!("{} to {}/s over {lasts}", brief(low), brief(high)),
        count => {
            let (low, high) = (brief(low), brief(high));
            format!("{low} to {high}/s over {lasts} in {count} stages")
        }
    }
}

fn brief(value: f64) -> String {
    human::brief(&human::number(value))
}

fn arrivals(arrival: Arrival) -> String {
    match arrival {
        Arrival::Constant => "evenly spread".to_owned(),
        Arrival::Poisson => "Poisson arrivals".to_owned(),
        Arrival::Gamma { shape } => format!("gamma arrivals of shape {}", brief(shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::PlanOptions;
    use crate::types::Micros;

    fn said(schedule: Schedule) -> String {
        super::schedule(&PlanHead {
            version: 1,
            options: PlanOptions::new(schedule),
            capture: String::new(),
            captured: 0,
            shard: None,
        })
    }

    #[test]
    fn a_schedule_is_told_in_a_phrase() {
        let stage = |from, to| Stage { from, to, lasts: Micros(60_000_000) };
        let open = |arrival, stages| Schedule::Open { arrival, stages };
        assert_eq!(said(Schedule::Recorded { speed: 1.0 }), "as recorded");
        assert_eq!(said(Schedule::Sessions { speed: 2.0 }), "by conversation, 2× as fast");
        assert_eq!(
            said(open(Arrival::Poisson, vec![stage(50.0, 50.0)])),
            "50/s for 1 min, Poisson arrivals"
        );
        assert_eq!(
            said(open(Arrival::Gamma { shape: 0.5 }, vec![stage(10.0, 10.0), stage(10.0, 80.0)])),
            "10 to 80/s over 2 min in 2 stages, gamma arrivals of shape 0.5"
        );
        assert_eq!(said(open(Arrival::Constant, Vec::new())), "no request, evenly spread");
        let think = Micros(250_000);
        let stages = vec![crate::replay::ClosedStage { concurrency: 32, requests: 100 }];
        assert_eq!(
            said(Schedule::Closed { stages, think }),
            "32 requests at a time, 250 ms between answer and request"
        );
    }

    #[test]
    fn an_effect_is_told_in_the_unit_of_its_metric() {
        let ratio = Effect::Ratio { value: 1.061, low: 1.029, high: 1.094 };
        assert_eq!(Unit::Seconds.say_effect(&ratio), "+6.1 %");
        assert_eq!(Unit::Seconds.say_interval(&ratio), "+2.9 % to +9.4 %");
        let difference = Effect::Difference { value: 0.004, low: -0.001, high: 0.009 };
        assert_eq!(Unit::Share.say_effect(&difference), "+0.40 pp");
        assert_eq!(Unit::Share.say_interval(&difference), "−0.10 pp to +0.90 pp");
    }
}
