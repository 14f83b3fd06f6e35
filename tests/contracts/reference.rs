//! The reference of metrics, written from their definitions.

use transom::observe::{Draft, Kind, LABELS, Metric};

const HEAD: &str = "# Metrics

Every metric that Transom exports at `/metrics` of the admin address. Written from
`src/observe/metrics/names.rs` by `UPDATE_DOCS=1 cargo test --test contracts`; a test
keeps it so.

- The format is Prometheus text 0.0.4, or OpenMetrics 1.0 for a scraper that asks for it
  (Prometheus does). Exemplars, which lead from a bucket to a kept trace, are only in
  OpenMetrics; the metrics that have them are marked ◆.
- A model is a label only if it is configured or was found at an upstream. What callers
  make up is `_other`; their text is never a label.
- Every series of a model exists at 0 before its first request, so that `increase()`
  misses nothing. Those marked ○ are *not counted yet*: their feature is still to come.
- Counters begin at 0 with the process. Sums are kept as whole numbers and are exact
  until exported. `_bucket`, `_sum` and `_count` belong to every histogram.
- The limit of every objective is added to the bounds of the histograms it is about, so
  that the share of requests within it can be read off exactly.
- Names that begin with `gen_ai_` are those of the OpenTelemetry semantic conventions
  1.41. The `process_*` metrics are the usual ones.
";

/// All of `docs/metrics.md`.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for metric in Metric::ALL {
        let definition = metric.definition();
        let labels: Vec<_> = definition.labels.iter().map(|label| format!("`{label}`")).collect();
        let marks = [(metric.has_exemplars(), " ◆"), (!metric.is_counted(), " ○")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        let cells = [
            format!("`{}`{marks}", definition.name),
            definition.kind.word().to_owned(),
            labels.join(", "),
            definition.help.to_owned(),
        ];
        row(&mut page, &cells);
    }
    labels(&mut page);
    bounds(&mut page);
    drafts(&mut page);
    page
}

fn labels(page: &mut String) {
    page.push_str("\n## Labels\n\nEach is a closed set.\n\n| label | values |\n|---|---|\n");
    for (label, values) in LABELS {
        row(page, &[format!("`{label}`"), values.to_owned()]);
    }
}

fn bounds(page: &mut String) {
    page.push_str(
        "\n## Buckets\n\nUpper bounds without `+Inf`, before limits of objectives join.\n\n",
    );
    page.push_str("| bounds | metrics |\n|---|---|\n");
    let mut kinds: Vec<(Kind, Vec<String>)> = Vec::new();
    for definition in Metric::ALL.iter().map(|metric| metric.definition()) {
        let name = format!("`{}`", definition.name);
        match kinds.iter_mut().find(|(kind, _)| *kind == definition.kind) {
            Some((_, names)) => names.push(name),
            None => kinds.push((definition.kind, vec![name])),
        }
    }
    for (kind, names) in kinds {
        if let Some(bounds) = kind.usual_bounds() {
            let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
            row(page, &[bounds.join(" "), names.join(", ")]);
        }
    }
}

fn drafts(page: &mut String) {
    page.push_str(
        "\n## Drafted names\n\nWith `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental` the \
         successors that the\nsemantic conventions have drafted are exported as well: the same \
         series, those of\nembeddings left out.\n\n| drafted name | same as |\n|---|---|\n",
    );
    for draft in Draft::ALL {
        let source = draft.source.definition();
        let hidden =
            source.labels.iter().find(|label| draft.labels().all(|shown| shown != **label));
        let part = hidden.map(|label| format!(", one `{label}`")).unwrap_or_default();
        row(page, &[format!("`{}`", draft.name), format!("`{}`{part}", source.name)]);
    }
}

fn row(page: &mut String, cells: &[String]) {
    page.push_str(&format!("| {} |\n", cells.join(" | ")));
}
