//! `transom capture erase`: for good, of a running proxy or of one that has ended.
//!
//! Must not know: how a segment is written anew.

use super::{Where, time};
use crate::capture::{ArchiveError, Erase, Erased};
use crate::cli::{Failure, say};
use std::io;
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    what: What,
}

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
    let archive = arguments.place.archive()?;
    let what = arguments.what.erase().ok_or("say what is to be erased")?;
    let erased = archive.erase(what).map_err(|error| match error {
        ArchiveError::InUse(_) => "a running proxy writes there: erase by its admin API, \
             POST /api/v1/captures/erase"
            .into(),
        other => Failure::from(other),
    })?;
    let Erased { records, segments, closed, .. } = &erased;
    say(&mut io::stdout(), &format!("erased {records} exchanges from {} segments", segments.len()));
    if !closed.is_empty() {
        return Err(
            format!("{} segments could not be opened, and may hold more", closed.len()).into()
        );
    }
    Ok(())
}

impl What {
    fn erase(&self) -> Option<Erase> {
        let key = self.key.clone().map(Erase::Key);
        let session = self.session.clone().map(Erase::Session);
        let request = self.request.clone().map(Erase::RequestId);
        key.or(session).or(request).or(self.before.map(Erase::Before))
    }
}
