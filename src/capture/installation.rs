//! The key of an installation: what makes its ids and digests no other's.
//!
//! Must not know: what is made with it.

use crate::capture::segment::replace_with;
use std::fs;
use std::io;
use std::path::Path;

/// Where it lies in the captures' directory.
const FILE: &str = "installation.key";

/// The key of the captures in `directory`, made when there is none.
///
/// # Errors
/// When it cannot be read or made, or is not 32 bytes long.
pub fn installation_key(directory: &Path) -> io::Result<[u8; 32]> {
    let path = directory.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            let words = format!("{} is not a key of 32 bytes", path.display());
            io::Error::new(io::ErrorKind::InvalidData, words)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            replace_with(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
