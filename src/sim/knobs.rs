//! The settings that hold for one request: the server's, save what its headers override.
//!
//! Must not know: bodies, how the settings are carried out.

use super::refusal::Refusal;
use crate::sim::{Fault, SettingError, SimSettings, Spread, TokenCount};
use axum::http::{HeaderMap, StatusCode};
use std::str::FromStr;

/// What one request is in for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knobs {
    pub(super) ttft: Spread,
    pub(super) itl: Spread,
    pub(super) tokens: TokenCount,
    pub(super) fault: Fault,
    /// An error status to answer with.
    pub(super) status: Option<ErrorStatus>,
}

/// 400 to 599.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorStatus(pub(super) StatusCode);

impl Knobs {
    /// # Errors
    /// A header that cannot be read, as 400 naming it.
    pub(super) fn of(settings: &SimSettings, headers: &HeaderMap) -> Result<Self, Refusal> {
        let fault = match read::<Once>(headers, "x-sim-error-event")? {
            Some(Once) => Some(Fault::ErrorEvent),
            None => read(headers, "x-sim-fault")?,
        };
        Ok(Self {
            ttft: read(headers, "x-sim-ttft-ms")?.unwrap_or(settings.ttft),
            itl: read(headers, "x-sim-itl-ms")?.unwrap_or(settings.itl),
            tokens: read(headers, "x-sim-tokens")?.unwrap_or(settings.tokens),
            fault: fault.unwrap_or(settings.fault),
            status: read(headers, "x-sim-status")?,
        })
    }
}

fn read<T>(headers: &HeaderMap, name: &'static str) -> Result<Option<T>, Refusal>
where
    T: FromStr<Err = SettingError>,
{
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.parse().map(Some).map_err(|error: SettingError| Refusal::Invalid {
        message: format!("Header {name}: {error}."),
        param: Some(name),
    })
}

impl FromStr for ErrorStatus {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        text.parse()
            .ok()
            .filter(|status: &StatusCode| (400..=599).contains(&status.as_u16()))
            .map(Self)
            .ok_or_else(|| SettingError::new(text, "an error status, 400 to 599"))
    }
}

/// The only value of a header whose presence says it all.
struct Once;

impl FromStr for Once {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        if text == "1" { Ok(Self) } else { Err(SettingError::new(text, "`1`")) }
    }
}
