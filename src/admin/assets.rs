//! The pages' own files, embedded in the binary. Their names hold a hash of what is in them, so
//! that browsers keep them for good.
//!
//! Must not know: which page uses which.

use crate::admin::AdminState;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Name, extension, type, content.
const FILES: [(&str, &str, &str, &str); 8] = [
    ("style", "css", "text/css; charset=utf-8", include_str!("../../templates/assets/style.css")),
    (
        "page",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../templates/assets/page.js"),
    ),
    (
        "sign_in",
        "css",
        "text/css; charset=utf-8",
        include_str!("../../templates/assets/sign_in.css"),
    ),
    ("replay", "css", "text/css; charset=utf-8", REPLAY),
    (
        "charts",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../templates/assets/charts.js"),
    ),
    // As they are published: see the LICENSE beside them.
    (
        "uplot",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../templates/assets/uplot/uplot.js"),
    ),
    (
        "uplot",
        "css",
        "text/css; charset=utf-8",
        include_str!("../../templates/assets/uplot/uplot.css"),
    ),
    ("mark", "svg", "image/svg+xml", include_str!("../../templates/assets/mark.svg")),
];
/// What the parts of a report need.
const REPLAY: &str = concat!(
    include_str!("../../templates/replay/parts.css"),
    include_str!("../../templates/replay/plots.css")
);
/// Digits of the hash that stand in a name.
const DIGITS: usize = 12;

/// The files with their names. Cloning shares them.
#[derive(Clone)]
pub struct Assets(Arc<Vec<Asset>>);

struct Asset {
    plain: String,
    hashed: String,
    kind: &'static str,
    text: &'static str,
}

impl Assets {
    /// All of them.
    pub fn embedded() -> Self {
        let named = |(name, extension, kind, text): (&str, &str, &'static str, &'static str)| {
            let hash: String =
                blake3::hash(text.as_bytes()).to_hex().chars().take(DIGITS).collect();
            let hashed = format!("{name}.{hash}.{extension}");
            Asset { plain: format!("{name}.{extension}"), hashed, kind, text }
        };
        Self(Arc::new(FILES.into_iter().map(named).collect()))
    }

    /// The name under which the file `plain` is served; that itself where there is none.
    pub(super) fn name(&self, plain: &str) -> String {
        let found = self.0.iter().find(|asset| asset.plain == plain);
        found.map_or_else(|| plain.to_owned(), |asset| asset.hashed.clone())
    }
}

/// A file by its hashed name, for good, or by its plain one, for now.
pub(super) async fn file(State(state): State<AdminState>, Path(name): Path<String>) -> Response {
    let files = &state.assets.0;
    let Some(asset) = files.iter().find(|asset| asset.hashed == name || asset.plain == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept =
        if asset.hashed == name { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, kept)], asset.text)
        .into_response()
}
