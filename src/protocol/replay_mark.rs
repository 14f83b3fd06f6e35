//! The mark of a replayed request: `x-transom-replay: <run>; slo; cache; capture; production`.
//!
//! What stands after the run are its wishes; each may be missing. Must not know: what is done
//! about it.

use super::text::clean_text;
use crate::types::{ReplayMark, ReplayWishes};
use http::header::{HeaderMap, HeaderName, HeaderValue};

const MARK: HeaderName = HeaderName::from_static("x-transom-replay");
/// Longest name of a run that is kept, in characters: an id of ours fits.
const RUN_LIMIT: usize = 64;
const SLOS: &str = "slo";
const CACHE: &str = "cache";
const CAPTURE: &str = "capture";
const PRODUCTION: &str = "production";

/// The mark among `headers`. Whoever sends one means it, so any value is one; words that are
/// none of the wishes are passed over.
pub fn read_replay_mark(headers: &HeaderMap) -> Option<ReplayMark> {
    let text = String::from_utf8_lossy(headers.get(MARK)?.as_bytes());
    let (run, words) = text.split_once(';').unwrap_or((&text, ""));
    let wants = |wish: &str| words.split(';').any(|word| word.trim().eq_ignore_ascii_case(wish));
    Some(ReplayMark {
        run: clean_text(run.trim(), RUN_LIMIT).into(),
        wishes: ReplayWishes {
            slos: wants(SLOS),
            cache: wants(CACHE),
            capture: wants(CAPTURE),
            production: wants(PRODUCTION),
        },
    })
}

/// Makes `mark` the only one among `headers`; none where there is none, or it cannot be written.
pub fn replace_replay_mark(headers: &mut HeaderMap, mark: Option<&ReplayMark>) {
    headers.remove(MARK);
    let value = mark.and_then(|mark| HeaderValue::try_from(written(mark)).ok());
    headers.extend(value.map(|value| (MARK, value)));
}

fn written(ReplayMark { run, wishes }: &ReplayMark) -> String {
    let wishes = [
        (wishes.slos, SLOS),
        (wishes.cache, CACHE),
        (wishes.capture, CAPTURE),
        (wishes.production, PRODUCTION),
    ];
    let words = wishes.into_iter().filter_map(|(wanted, word)| wanted.then_some(word));
    std::iter::once(&**run).chain(words).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &[u8]) -> ReplayMark {
        let mut headers = HeaderMap::new();
        headers.insert(MARK, HeaderValue::from_bytes(value).unwrap());
        read_replay_mark(&headers).unwrap()
    }

    fn words(mark: &ReplayMark) -> (&str, [bool; 4]) {
        let ReplayWishes { slos, cache, capture, production } = mark.wishes;
        (&mark.run, [slos, cache, capture, production])
    }

    #[test]
    fn a_run_and_its_wishes_are_read() {
        for (value, expected) in [
            ("run-7", ("run-7", [false; 4])),
            ("run-7; slo", ("run-7", [true, false, false, false])),
            (" run-7 ;Cache;slo;", ("run-7", [true, true, false, false])),
            ("run-7; capture; later", ("run-7", [false, false, true, false])),
            ("run-7;production", ("run-7", [false, false, false, true])),
            ("; slo", ("", [true, false, false, false])),
            ("slo", ("slo", [false; 4])),
            ("", ("", [false; 4])),
        ] {
            assert_eq!(words(&read(value.as_bytes())), expected, "{value:?}");
        }
        assert_eq!(read_replay_mark(&HeaderMap::new()), None);
    }

    #[test]
    fn a_strangers_name_of_a_run_is_cut_and_cleaned() {
        assert_eq!(read("x".repeat(99).as_bytes()).run.len(), RUN_LIMIT);
        assert_eq!(&*read(b"a\tb").run, "ab");
        assert_eq!(&*read(b"a\xff").run, "a\u{fffd}");
    }

    #[test]
    fn what_is_written_is_read_back_and_stands_alone() {
        let mut headers = HeaderMap::new();
        headers.append(MARK, HeaderValue::from_static("one"));
        headers.append(MARK, HeaderValue::from_static("two"));
        for bits in 0..16 {
            let on = |bit: u8| bits & bit != 0;
            let (slos, cache, capture, production) = (on(1), on(2), on(4), on(8));
            let wishes = ReplayWishes { slos, cache, capture, production };
            let mark = ReplayMark { run: "20260101-000000-abcdef".into(), wishes };
            replace_replay_mark(&mut headers, Some(&mark));
            assert_eq!(read_replay_mark(&headers), Some(mark));
            assert_eq!(headers.get_all(MARK).iter().count(), 1);
        }
        replace_replay_mark(&mut headers, None);
        assert!(headers.is_empty());
    }
}
