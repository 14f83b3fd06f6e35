//! The HTTP view: method, status and route of every request.
//!
//! Must not know: models.

use super::exemplars::TraceMark;
use super::families::Families;
use super::histogram::Histogram;
use super::names::Metric;
use crate::observe::RequestRecord;
use crate::types::Operation;
use http::Method;
use prometheus::IntCounter;
use std::sync::Arc;

/// Series by route, the frequent ones resolved once.
pub(super) struct HttpSeries {
    routes: Vec<RouteSeries>,
}

struct RouteSeries {
    route: &'static str,
    usual_method: Method,
    usual_ok: IntCounter,
    duration: Arc<Histogram>,
}

impl HttpSeries {
    pub(super) fn new(families: &Families) -> Self {
        let series = |operation: Operation| {
            let route = operation.route();
            let usual_method = if operation.is_inference() { Method::POST } else { Method::GET };
            RouteSeries {
                route,
                usual_ok: families
                    .counter(Metric::HttpRequests, &[usual_method.as_str(), "200", route]),
                duration: families.histogram(Metric::HttpDuration, &[route]),
                usual_method,
            }
        };
        Self { routes: Operation::ALL.into_iter().map(series).collect() }
    }

    pub(super) fn record(
        &self,
        families: &Families,
        record: &RequestRecord,
        mark: Option<&TraceMark>,
    ) {
        let series = &self.routes[record.call.operation.index()];
        series.duration.observe_marked(record.timeline.duration(), mark);
        let (method, status) = (&record.call.method, record.verdict.status);
        if status == 200 && *method == series.usual_method {
            series.usual_ok.inc();
        } else {
            let (method, status) = (method_label(method), status_label(status));
            families.counter(Metric::HttpRequests, &[method, &status, series.route]).inc();
        }
    }
}

/// Methods are a stranger's text: only the known ones are labels.
fn method_label(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS") => known,
        _ => "_OTHER",
    }
}

/// An upstream may send any three digits; those outside the standard's range are one label.
fn status_label(status: u16) -> String {
    if (100..600).contains(&status) { status.to_string() } else { "_OTHER".to_owned() }
}
