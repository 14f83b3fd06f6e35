//! Opens the directory for everything that is kept, and says what became of it.
//!
//! Must not know: what is kept.

use crate::cli::say;
use crate::store::{Condition, Opened, Store};
use crate::types::Clock;
use std::io;
use std::path::Path;

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
