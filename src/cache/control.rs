//! What a caller wants of the cache, and what the operator lets it want.
//!
//! Owns how headers, LiteLLM's `cache` object and the route's settings come together: of
//! two wishes the more restrictive one counts. Must not know: what the request asks for, or
//! what is in the cache.

use crate::cache::settings::{CacheScope, RouteCache};
use crate::protocol::{
    CacheControl, CacheHeaders, CacheMode, ControlError, LiteLlmCache, MaxStale, Namespace,
};
use std::time::Duration;

/// What may be done for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Which answers from the cache will do.
    pub read: Read,
    /// Whether the new answer may be kept.
    pub write: Write,
    /// What to do when there is none that will do.
    pub otherwise: Otherwise,
    /// How long the answer is fresh, if it is kept; more than 0.
    pub ttl: Duration,
    /// How long past its time an answer may be given while a new one is fetched.
    pub while_revalidate: Duration,
    /// How long past its time an answer may be given when no upstream can.
    pub if_error: Duration,
    /// The caller's own division of its entries.
    pub namespace: Namespace,
    /// Whether the caller has asked for the cache in so many words.
    pub asked: Asked,
}

/// Which answers from the cache will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// None.
    No,
    /// Those within these limits.
    Within(Limits),
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The oldest that will do.
    pub max_age: Option<Duration>,
    /// How long it must stay fresh.
    pub min_fresh: Duration,
    /// How long past its time it may be; `None` when it must be fresh.
    pub max_stale: Option<MaxStale>,
}

/// Whether the new answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// It may.
    Yes,
    /// It must not.
    No,
}

/// What to do without an answer from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Ask an upstream.
    Forward,
    /// Answer with 504 (RFC 9111 §5.2.1.7).
    Refuse,
}

/// Whether the caller has asked for the cache in so many words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `x-transom-cache` other than `off`, or LiteLLM's `use-cache`.
    Yes,
    /// Neither.
    No,
}

impl Control {
    /// Brings together what the headers, the body and the route say.
    ///
    /// The caller's `ttl` counts before the route's, a header's before the body's. Where
    /// entries are shared beyond a key it can only be shorter than the route's: nobody
    /// makes others wait for a newer answer. A `ttl` of 0 keeps nothing.
    ///
    /// # Errors
    /// When the body's namespace cannot be one.
    pub fn of(
        headers: &CacheHeaders,
        body: Option<&LiteLlmCache>,
        route: &RouteCache,
    ) -> Result<Self, ControlError> {
        let nothing = LiteLlmCache::default();
        let body = body.unwrap_or(&nothing);
        let standard = &headers.standard;
        let max_age = least(standard.max_age, body.max_age);
        let ttl = ttl(headers.ttl.or(body.ttl), route);
        // Whoever limits an answer's age does not wish a stale one (RFC 9111 §5.2.1.1).
        let unlimited = max_age.is_none() && standard.min_fresh.is_none();
        let route_stale = |stale| if unlimited { stale } else { Duration::ZERO };
        let namespace = match (&headers.namespace, &body.namespace) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => Namespace::named("cache.namespace", name)?,
            (None, None) => Namespace::default(),
        };
        let write = may_write(headers, body) && !ttl.is_zero();
        Ok(Self {
            read: read(headers, body, max_age),
            write: if write { Write::Yes } else { Write::No },
            otherwise: if standard.only_if_cached { Otherwise::Refuse } else { Otherwise::Forward },
            ttl,
            while_revalidate: route_stale(route.stale_while_revalidate),
            if_error: route_stale(route.stale_if_error),
            namespace,
            asked: asked(headers, body),
        })
    }

    /// Whether the cache has no part in the request at all.
    pub fn is_off(&self) -> bool {
        self.read == Read::No && self.write == Write::No
    }
}

impl Read {
    /// Whether an answer of this age, fresh for `left` more, will do.
    pub fn takes_fresh(&self, age: Duration, left: Duration) -> bool {
        let Self::Within(limits) = self else { return false };
        limits.admit(age) && left >= limits.min_fresh
    }

    /// Whether an answer of this age, past its time `by` so much, will do because the
    /// caller says so. What the route allows is in [`Control`].
    pub fn takes_stale(&self, age: Duration, by: Duration) -> bool {
        let Self::Within(limits) = self else { return false };
        let near = limits.max_stale.is_some_and(|most| MaxStale::UpTo(by) <= most);
        limits.admit(age) && near && limits.min_fresh.is_zero()
    }
}

impl Limits {
    fn admit(&self, age: Duration) -> bool {
        self.max_age.is_none_or(|most| age <= most)
    }
}

fn read(headers: &CacheHeaders, body: &LiteLlmCache, max_age: Option<Duration>) -> Read {
    let CacheControl { no_cache, min_fresh, max_stale, .. } = headers.standard;
    let by_mode =
        !matches!(headers.mode, Some(CacheMode::Off | CacheMode::Refresh | CacheMode::WriteOnly));
    // Nothing is as young as 0, not even another's answer that has just begun.
    let too_young = max_age.is_some_and(|most| most.is_zero());
    if !by_mode || no_cache || body.no_cache || too_young {
        return Read::No;
    }
    Read::Within(Limits { max_age, min_fresh: min_fresh.unwrap_or_default(), max_stale })
}

fn may_write(headers: &CacheHeaders, body: &LiteLlmCache) -> bool {
    let by_mode = !matches!(headers.mode, Some(CacheMode::Off | CacheMode::ReadOnly));
    by_mode && !headers.standard.no_store && !body.no_store
}

fn asked(headers: &CacheHeaders, body: &LiteLlmCache) -> Asked {
    match headers.mode {
        Some(CacheMode::Off) => Asked::No,
        Some(_) => Asked::Yes,
        None if body.use_cache => Asked::Yes,
        None => Asked::No,
    }
}

fn ttl(wished: Option<Duration>, route: &RouteCache) -> Duration {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let most = if route.scope == CacheScope::Key { YEAR } else { route.ttl };
    wished.map_or(route.ttl, |wished| wished.min(most))
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn standard(standard: CacheControl) -> CacheHeaders {
        CacheHeaders { standard, ..CacheHeaders::default() }
    }

    fn mode(mode: CacheMode) -> CacheHeaders {
        CacheHeaders { mode: Some(mode), ..CacheHeaders::default() }
    }

    fn route() -> RouteCache {
        RouteCache {
            stale_while_revalidate: secs(10),
            stale_if_error: secs(20),
            ..RouteCache::default()
        }
    }

    fn control(headers: &CacheHeaders, body: &LiteLlmCache) -> Control {
        Control::of(headers, Some(body), &route()).unwrap()
    }

    fn by_headers(headers: &CacheHeaders) -> Control {
        Control::of(headers, None, &route()).unwrap()
    }

    #[test]
    fn who_says_nothing_gets_what_the_route_says() {
        let expected = Control {
            read: Read::Within(Limits::default()),
            write: Write::Yes,
            otherwise: Otherwise::Forward,
            ttl: secs(3600),
            while_revalidate: secs(10),
            if_error: secs(20),
            namespace: Namespace::default(),
            asked: Asked::No,
        };
        assert_eq!(by_headers(&CacheHeaders::default()), expected);
        assert_eq!(control(&CacheHeaders::default(), &LiteLlmCache::default()), expected);
    }

    #[test]
    fn each_mode_opens_and_closes_the_two_ways() {
        let cases = [
            (CacheMode::On, true, true, Asked::Yes),
            (CacheMode::Off, false, false, Asked::No),
            (CacheMode::Refresh, false, true, Asked::Yes),
            (CacheMode::WriteOnly, false, true, Asked::Yes),
            (CacheMode::ReadOnly, true, false, Asked::Yes),
        ];
        for (word, reads, writes, asked) in cases {
            let control = by_headers(&mode(word));
            assert_eq!(control.read != Read::No, reads, "{word:?}");
            assert_eq!(control.write == Write::Yes, writes, "{word:?}");
            assert_eq!((control.asked, control.is_off()), (asked, !reads && !writes), "{word:?}");
        }
    }

    #[test]
    fn of_two_wishes_the_more_restrictive_one_counts() {
        let no_cache = standard(CacheControl { no_cache: true, ..CacheControl::default() });
        let no_store = LiteLlmCache { no_store: true, ..LiteLlmCache::default() };
        assert!(control(&no_cache, &no_store).is_off());
        let on = CacheHeaders { mode: Some(CacheMode::On), ..no_cache };
        assert_eq!(by_headers(&on).read, Read::No);
        let aged = standard(CacheControl { max_age: Some(secs(60)), ..CacheControl::default() });
        let younger = LiteLlmCache { max_age: Some(secs(5)), ..LiteLlmCache::default() };
        let limits = Limits { max_age: Some(secs(5)), ..Limits::default() };
        assert_eq!(control(&aged, &younger).read, Read::Within(limits));
        let off = mode(CacheMode::Off);
        let use_cache = LiteLlmCache { use_cache: true, ..LiteLlmCache::default() };
        assert_eq!(control(&off, &use_cache).asked, Asked::No);
        assert_eq!(control(&CacheHeaders::default(), &use_cache).asked, Asked::Yes);
    }

    #[test]
    fn limits_hold_for_fresh_and_for_stale_answers() {
        let read = |control| by_headers(&standard(control)).read;
        let plain = read(CacheControl::default());
        assert!(plain.takes_fresh(secs(100), secs(0)) && !plain.takes_stale(secs(1), secs(0)));
        let aged = read(CacheControl { max_age: Some(secs(5)), ..CacheControl::default() });
        assert!(aged.takes_fresh(secs(5), secs(9)) && !aged.takes_fresh(secs(6), secs(9)));
        let lasting = read(CacheControl { min_fresh: Some(secs(5)), ..CacheControl::default() });
        assert!(lasting.takes_fresh(secs(99), secs(5)) && !lasting.takes_fresh(secs(0), secs(4)));
        let up_to = MaxStale::UpTo(secs(5));
        let stale = read(CacheControl { max_stale: Some(up_to), ..CacheControl::default() });
        assert!(stale.takes_stale(secs(99), secs(5)) && !stale.takes_stale(secs(99), secs(6)));
        assert!(stale.takes_fresh(secs(99), secs(0)));
        let any = Some(MaxStale::Any);
        let any = CacheControl { max_stale: any, max_age: Some(secs(50)), ..Default::default() };
        assert!(read(any).takes_stale(secs(50), secs(40)));
        assert!(!read(any).takes_stale(secs(51), secs(1)), "both limits hold");
        let fresh = read(CacheControl { min_fresh: Some(secs(1)), ..any });
        assert!(!fresh.takes_stale(secs(0), secs(0)), "what must stay fresh cannot be stale");
        assert!(!Read::No.takes_fresh(secs(0), secs(9)) && !Read::No.takes_stale(secs(0), secs(0)));
        let none = CacheControl { max_age: Some(secs(0)), ..CacheControl::default() };
        assert_eq!(read(none), Read::No);
    }

    #[test]
    fn who_limits_an_answers_age_gets_none_past_its_time() {
        for control in [
            CacheControl { max_age: Some(secs(5)), ..CacheControl::default() },
            CacheControl { min_fresh: Some(secs(5)), ..CacheControl::default() },
        ] {
            let control = by_headers(&standard(control));
            assert_eq!((control.while_revalidate, control.if_error), (secs(0), secs(0)));
        }
    }

    #[test]
    fn only_if_cached_leaves_the_upstream_alone() {
        let only = CacheControl { only_if_cached: true, ..CacheControl::default() };
        assert_eq!(by_headers(&standard(only)).otherwise, Otherwise::Refuse);
    }

    #[test]
    fn a_time_is_the_headers_then_the_bodys_then_the_routes() {
        let header = CacheHeaders { ttl: Some(secs(9000)), ..CacheHeaders::default() };
        let body = LiteLlmCache { ttl: Some(secs(7)), ..LiteLlmCache::default() };
        let nothing = CacheHeaders::default();
        assert_eq!(control(&header, &body).ttl, secs(9000));
        assert_eq!(control(&nothing, &body).ttl, secs(7));
        let zero = CacheHeaders { ttl: Some(secs(0)), ..CacheHeaders::default() };
        assert_eq!(control(&zero, &body).write, Write::No);
        let forever = LiteLlmCache { ttl: Some(Duration::MAX), ..LiteLlmCache::default() };
        assert_eq!(control(&nothing, &forever).ttl, secs(365 * 24 * 3600));
    }

    #[test]
    fn where_answers_are_shared_a_caller_can_only_shorten_their_time() {
        let ttl = |scope, wished| {
            let route = RouteCache { scope, ..route() };
            let headers = CacheHeaders { ttl: Some(secs(wished)), ..CacheHeaders::default() };
            Control::of(&headers, None, &route).unwrap().ttl
        };
        assert_eq!(ttl(CacheScope::Key, 9000), secs(9000));
        for shared in [CacheScope::Tenant, CacheScope::Global] {
            assert_eq!((ttl(shared, 9000), ttl(shared, 9)), (secs(3600), secs(9)));
        }
    }

    #[test]
    fn a_namespace_is_the_headers_or_the_bodys_and_must_be_one() {
        let named = |text| Namespace::named("x", text).unwrap();
        let header = CacheHeaders { namespace: Some(named("h")), ..CacheHeaders::default() };
        let body = LiteLlmCache { namespace: Some("b".into()), ..LiteLlmCache::default() };
        assert_eq!(control(&header, &body).namespace, named("h"));
        assert_eq!(control(&CacheHeaders::default(), &body).namespace, named("b"));
        let bad = LiteLlmCache { namespace: Some("two words".into()), ..body };
        let error = Control::of(&CacheHeaders::default(), Some(&bad), &route()).unwrap_err();
        assert_eq!(error.name, "cache.namespace");
    }
}
