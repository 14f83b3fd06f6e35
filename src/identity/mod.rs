//! Who is calling.
//!
//! Owns the API keys, by their hashes. Must not know: what a caller may do, or routing.

mod keyring;
mod settings;

pub use keyring::{Caller, CredentialHeaders, Holder, Keyring};
pub use settings::KeySettings;
