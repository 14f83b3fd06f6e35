//! Opens the directory for everything that is kept, and says what became of it.
//!
//! Must not know: what is kept.

use crate::cli::say;
use crate::config::Settings;
use crate::store::{Condition, DiskCache, OpenError, Opened, OpenedCache, Store};
use crate::types::Clock;
use std::io;
use std::path::{Path, PathBuf};

/// The store in `directory`; `None` where there can be none, and then nothing is kept:
/// traffic must go on.
pub(super) fn open(directory: &Path) -> Option<Store> {
    match Store::open(directory, Clock::system()) {
        Ok(Opened { store, condition }) => {
            if let Condition::Recreated { moved_to, why } = condition {
                let moved_to = moved_to.display();
                let words = format!("what was kept was broken ({why}); it lies in {moved_to} now");
                say(&mut io::stderr(), &words);
            }
            Some(store)
        }
        Err(error) => {
            say(&mut io::stderr(), &format!("{error}; nothing will be kept"));
            None
        }
    }
}

/// The cache's tier on disk, if one is wanted.
pub(super) fn open_answers(settings: &Settings) -> Option<Result<OpenedCache, OpenError>> {
    let wanted = settings.cache.disk.filter(|_| settings.caches_anything());
    let directory = &settings.server.data_dir;
    let opened = DiskCache::open(directory, wanted?, Clock::system());
    match &opened {
        Ok(opened) => {
            if let Condition::Recreated { moved_to, why } = &opened.condition {
                let moved_to = moved_to.display();
                let words = format!("the cache was broken ({why}); it lies in {moved_to} now");
                say(&mut io::stderr(), &words);
            }
        }
        Err(error) => say(&mut io::stderr(), &format!("{error}; there is no cache on disk")),
    }
    Some(opened)
}

/// Where the captures lie.
pub(super) fn captures(data_dir: &Path) -> PathBuf {
    data_dir.join("captures")
}
