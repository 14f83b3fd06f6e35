//! What all pages have around them: where one is, and how it looks.
//!
//! Must not know: what is on a page.

use super::elsewhere::Elsewhere;
use crate::admin::AdminState;
use crate::admin::access::{Right, Visitor};
use crate::admin::assets::Assets;
use axum::Form;
use axum::extract::{FromRequestParts, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// The pages that the bar leads to.
const PAGES: [(&str, &str); 8] = [
    ("Overview", "/"),
    ("Requests", "/requests"),
    ("Models", "/models"),
    ("SLOs", "/slo"),
    ("Alerts", "/alerts"),
    ("Upstreams", "/upstreams"),
    ("Cache", "/cache"),
    ("Replays", "/replays"),
];
/// Those behind them.
const MORE: [(&str, &str); 7] = [
    ("Captures", "/captures"),
    ("Keys", "/keys"),
    ("Playground", "/playground"),
    ("Route", "/route"),
    ("Configuration", "/config"),
    ("System", "/system"),
    ("Metrics", "/metrics-reference"),
];
/// A year.
const THEME_AGE: u32 = 31_536_000;

/// What is around a page.
pub(in crate::admin) struct Frame {
    /// What all paths begin with; empty, or with a slash at its beginning.
    pub(in crate::admin) base: String,
    /// `light`, `dark`, or empty: as the reader's system has it.
    pub(in crate::admin) theme: &'static str,
    /// Path and query of this page.
    pub(in crate::admin) address: String,
    /// Of the program.
    pub(in crate::admin) version: &'static str,
    /// Alerts that fire.
    pub(in crate::admin) firing: usize,
    /// Where callers of this machine send requests.
    pub(in crate::admin) proxy: String,
    /// Where these pages are on this machine, `base` and all.
    pub(in crate::admin) admin: Arc<str>,
    /// Where else what is here can be had.
    pub(in crate::admin) elsewhere: Option<Elsewhere>,
    /// Who looks.
    pub(in crate::admin) visitor: Visitor,
    assets: Assets,
}

/// A page that the bar leads to.
pub(in crate::admin) struct Link {
    pub(in crate::admin) name: &'static str,
    pub(in crate::admin) path: &'static str,
    pub(in crate::admin) here: bool,
    /// How much there is to look at.
    pub(in crate::admin) count: usize,
}

impl Frame {
    /// The bar's links.
    pub(in crate::admin) fn pages(&self) -> Vec<Link> {
        self.links(&PAGES)
    }

    /// The links of the bar that are folded away; without those that the visitor may not follow.
    pub(in crate::admin) fn more(&self) -> Vec<Link> {
        let mut links = self.links(&MORE);
        links.retain(|link| link.path != "/playground" || self.visitor.may(Right::Act));
        links
    }

    fn links(&self, pages: &[(&'static str, &'static str)]) -> Vec<Link> {
        let path = self.address.split('?').next().unwrap_or_default();
        let is_here = |root: &str| match path.strip_prefix(root) {
            Some(rest) => rest.is_empty() || (root != "/" && rest.starts_with('/')),
            None => false,
        };
        let count = |path| if path == "/alerts" { self.firing } else { 0 };
        let link = |(name, path)| Link { name, path, here: is_here(path), count: count(path) };
        pages.iter().copied().map(link).collect()
    }

    /// Where one of our own files is.
    pub(in crate::admin) fn asset(&self, name: &str) -> String {
        format!("{}/assets/{}", self.base, self.assets.name(name))
    }

    /// The theme that the switch leads to.
    pub(in crate::admin) fn other_theme(&self) -> &'static str {
        if self.theme == "dark" { "light" } else { "dark" }
    }
}

impl FromRequestParts<AdminState> for Frame {
    type Rejection = <Visitor as FromRequestParts<AdminState>>::Rejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AdminState,
    ) -> Result<Self, Self::Rejection> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let address = parts.uri.path_and_query().map_or("/", |address| address.as_str()).to_owned();
        Ok(Self {
            base: state.access.base().to_owned(),
            theme: chosen(&parts.headers),
            firing: state.alerts.firing(),
            proxy: format!("http://{}", state.installation.playground.proxy()),
            admin: Arc::clone(&state.installation.admin),
            elsewhere: Elsewhere::of(parts, state).await,
            visitor,
            address,
            version: env!("CARGO_PKG_VERSION"),
            assets: state.assets.clone(),
        })
    }
}

fn chosen(headers: &HeaderMap) -> &'static str {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut cookies = cookies.flat_map(|line| line.split(';')).map(str::trim);
    match cookies.find_map(|cookie| cookie.strip_prefix("theme=")) {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "",
    }
}

/// Which theme is wanted, and where one was.
#[derive(Deserialize)]
pub(in crate::admin) struct Switch {
    theme: String,
    back: String,
}

/// Remembers the theme, and leads back.
pub(in crate::admin) async fn theme(
    State(state): State<AdminState>,
    Form(switch): Form<Switch>,
) -> Response {
    let theme = if switch.theme == "dark" { "dark" } else { "light" };
    let cookie = format!("theme={theme}; Path=/; Max-Age={THEME_AGE}; SameSite=Strict; HttpOnly");
    let back = format!("{}{}", state.access.base(), local(&switch.back));
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, back)])
        .into_response()
}

/// A path of ours; anything else leads home.
fn local(back: &str) -> &str {
    let is_ours =
        back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    if is_ours { back } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_leads_back_to_us_alone() {
        assert_eq!(local("/slo?window=1h"), "/slo?window=1h");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil", "", "slo"] {
            assert_eq!(local(elsewhere), "/");
        }
    }
}
