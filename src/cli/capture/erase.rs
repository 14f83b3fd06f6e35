//! `transom capture erase`: for good, of a running proxy or of one that has ended.
//!
//! Must not know: how a segment is written anew.

use super::{Where, time};
use crate::capture::{ArchiveError, Erase};
use crate::cli::{Failure, remote, say};
use serde_json::{Map, Value};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    what: What,
    /// The admin pages of a running proxy, which then does it
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "data"])]
    of: Option<String>,
}

/// How long a running proxy has to go through its segments.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The exchanges of an API key, by its alias
    #[arg(long, value_name = "ALIAS")]
    key: Option<String>,
    /// Those of a conversation
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// That of a request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Those received before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Duration>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (records, unopened) = match &arguments.of {
        Some(url) => by_proxy(url, &arguments.what)?,
        None => by_ourselves(arguments)?,
    };
    say(&mut io::stdout(), &format!("erased {records} exchanges"));
    if unopened > 0 {
        return Err(format!("{unopened} segments could not be opened, and may hold more").into());
    }
    Ok(())
}

/// Has a running proxy do it. Returns the records that have gone, and the segments that could
/// not be opened.
fn by_proxy(url: &str, what: &What) -> Result<(u64, u64), Failure> {
    let answer = remote::order(url, "/api/v1/captures/erase", what.json().to_string(), PATIENCE)?;
    let unopened = answer["unopened_segments"].as_array().map_or(0, Vec::len);
    Ok((answer["records"].as_u64().unwrap_or_default(), unopened as u64))
}

fn by_ourselves(arguments: &Arguments) -> Result<(u64, u64), Failure> {
    let what = arguments.what.erase().ok_or("say what is to be erased")?;
    let erased = arguments.place.archive()?.erase(what).map_err(|error| match error {
        ArchiveError::InUse(_) => {
            "a running proxy writes there: name it with --of http://127.0.0.1:7081".into()
        }
        other => Failure::from(other),
    })?;
    Ok((erased.records, erased.closed.len() as u64))
}

impl What {
    fn json(&self) -> Value {
        let before =
            self.before.map(|time| humantime::format_rfc3339(UNIX_EPOCH + time).to_string());
        let mut what = Map::new();
        let names = [
            ("key", &self.key),
            ("session", &self.session),
            ("request_id", &self.request),
            ("before", &before),
        ];
        for (name, value) in names {
            what.extend(value.clone().map(|value| (name.to_owned(), value.into())));
        }
        what.into()
    }

    fn erase(&self) -> Option<Erase> {
        let key = self.key.clone().map(Erase::Key);
        let session = self.session.clone().map(Erase::Session);
        let request = self.request.clone().map(Erase::RequestId);
        key.or(session).or(request).or(self.before.map(Erase::Before))
    }
}
