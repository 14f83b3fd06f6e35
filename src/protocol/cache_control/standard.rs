//! `Cache-Control` of a request (RFC 9111 §5.2.1).
//!
//! Must not know: that a cache may be told more than HTTP has words for.

use http::header::{CACHE_CONTROL, HeaderMap};
use std::time::Duration;

/// The most that a number of seconds may mean, also where more are written (RFC 9111
/// §1.2.2).
const MAX_SECONDS: u64 = 1 << 31;

/// What a request's `Cache-Control` asks for. Of a directive that is there twice the more
/// restrictive one counts; unknown ones do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-cache`: do not answer from the cache.
    pub no_cache: bool,
    /// `no-store`: do not keep the answer.
    pub no_store: bool,
    /// `only-if-cached`: answer from the cache or not at all.
    pub only_if_cached: bool,
    /// `max-age`: the oldest answer that will do. One that cannot be read is 0.
    pub max_age: Option<Duration>,
    /// `min-fresh`: how long the answer must stay fresh. One that cannot be read is 68
    /// years.
    pub min_fresh: Option<Duration>,
    /// `max-stale`: an answer past its time will do. One that cannot be read counts as not
    /// given.
    pub max_stale: Option<MaxStale>,
}

/// How long past its time an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaxStale {
    /// This long.
    UpTo(Duration),
    /// However long.
    Any,
}

impl CacheControl {
    /// Reads all lines of the header.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            let mut rest = line.as_bytes();
            while let Some(directive) = next_directive(&mut rest) {
                control.take(directive);
            }
        }
        control
    }

    fn take(&mut self, directive: &[u8]) {
        let (name, argument) = match memchr::memchr(b'=', directive) {
            Some(at) => (&directive[..at], Some(directive[at + 1..].trim_ascii())),
            None => (directive, None),
        };
        let seconds = || argument.and_then(seconds);
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"no-cache" => self.no_cache = true,
            b"no-store" => self.no_store = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"max-age" => {
                let limit = seconds().unwrap_or_default();
                self.max_age = Some(self.max_age.map_or(limit, |other| other.min(limit)));
            }
            b"min-fresh" => {
                let limit = seconds().unwrap_or(Duration::from_secs(MAX_SECONDS));
                self.min_fresh = self.min_fresh.max(Some(limit));
            }
            b"max-stale" => {
                let limit = match argument {
                    None => Some(MaxStale::Any),
                    Some(_) => seconds().map(MaxStale::UpTo),
                };
                let Some(limit) = limit else { return };
                self.max_stale = Some(self.max_stale.map_or(limit, |other| other.min(limit)));
            }
            _ => {}
        }
    }
}

/// The text up to the next comma that is in no quoted string.
fn next_directive<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.iter().position(|&byte| {
        let was_escaped = std::mem::take(&mut escaped);
        match byte {
            _ if was_escaped => {}
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' => return !quoted,
            _ => {}
        }
        false
    });
    let (directive, after) = match end {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (*rest, &[][..]),
    };
    *rest = after;
    Some(directive)
}

/// Digits alone, also in quotes (RFC 9111 §5.2: either form is to be taken).
fn seconds(argument: &[u8]) -> Option<Duration> {
    let inside = argument.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let digits = inside.unwrap_or(argument);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let written = std::str::from_utf8(digits).ok()?.parse().unwrap_or(MAX_SECONDS);
    Some(Duration::from_secs(written.min(MAX_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(lines: &[&str]) -> CacheControl {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        CacheControl::read(&headers)
    }

    const fn secs(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn directives_are_read_from_all_lines_in_any_case() {
        let control = read(&["No-Cache ,, max-age=60", "ONLY-IF-CACHED, min-fresh = 5,no-store"]);
        let expected = CacheControl {
            no_cache: true,
            no_store: true,
            only_if_cached: true,
            max_age: secs(60),
            min_fresh: secs(5),
            max_stale: None,
        };
        assert_eq!(control, expected);
        assert_eq!(read(&["", " , ,"]), CacheControl::default());
    }

    #[test]
    fn unknown_directives_are_ignored_whatever_is_in_their_quotes() {
        let control = read(&["x=\"no-cache, no-store\\\", no-cache\", no-transform, nocache"]);
        assert_eq!(control, CacheControl::default());
        assert!(read(&["x=\"a\\\\\", no-cache"]).no_cache);
        assert_eq!(read(&["private=\"no-store"]), CacheControl::default());
    }

    #[test]
    fn numbers_may_be_quoted_and_are_capped() {
        assert_eq!(read(&["max-age=\"10\""]).max_age, secs(10));
        assert_eq!(read(&["max-age=0"]).max_age, secs(0));
        for large in ["2147483649", "18446744073709551615", "99999999999999999999999"] {
            assert_eq!(read(&[&format!("max-age={large}")]).max_age, secs(1 << 31));
        }
    }

    #[test]
    fn a_malformed_number_is_taken_for_the_most_cautious_one() {
        for bad in ["", "=", "=x", "=-1", "=1.5", "=+1", "=\"", "=\"1", "=1 2", "='1'"] {
            assert_eq!(read(&[&format!("max-age{bad}")]).max_age, secs(0), "{bad}");
            assert_eq!(read(&[&format!("min-fresh{bad}")]).min_fresh, secs(1 << 31), "{bad}");
            let stale = read(&[&format!("max-stale{bad}")]).max_stale;
            assert_eq!(stale, bad.is_empty().then_some(MaxStale::Any), "{bad}");
        }
    }

    #[test]
    fn of_two_the_more_restrictive_one_counts() {
        assert_eq!(read(&["max-age=20, max-age=10", "max-age=30"]).max_age, secs(10));
        assert_eq!(read(&["min-fresh=20, min-fresh=10"]).min_fresh, secs(20));
        let ten = Some(MaxStale::UpTo(Duration::from_secs(10)));
        assert_eq!(read(&["max-stale, max-stale=10"]).max_stale, ten);
        assert_eq!(read(&["max-stale=10", "max-stale"]).max_stale, ten);
    }
}
