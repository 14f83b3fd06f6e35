//! Who is calling.
//!
//! Owns the API keys, by their hashes. Must not know: what a caller may do, or routing.

mod desk;
mod keyring;
mod known;
mod settings;

pub use desk::{Kept, KeyDesk, KeyShelf};
pub use keyring::{Caller, CredentialHeaders, Holder, Keyring};
pub use known::{KeyError, KnownKey, Minted};
pub use settings::KeySettings;
