//! Who has shown too many wrong tokens, and how long they have to wait.
//!
//! Must not know: tokens. An address that waits is refused whatever it shows, so that guesses
//! cannot be told apart meanwhile.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong tokens that an address may show within [`WINDOW`].
const LIMIT: u32 = 10;
/// From the first of them.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Addresses that are remembered; the one that began first is forgotten first.
const MOST: usize = 4_096;

/// The addresses that have shown wrong tokens lately.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<IpAddr, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since: Instant,
}

impl Throttle {
    /// How long `from` has still to wait; `None` when it may try.
    pub(super) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.0.lock().get(&household(from)).copied()?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(failures.since))?;
        (failures.count >= LIMIT && !left.is_zero()).then_some(left)
    }

    /// Counts a wrong token.
    pub(super) fn failed(&self, from: IpAddr, now: Instant) {
        let over = |failures: &Failures| now.saturating_duration_since(failures.since) >= WINDOW;
        let from = household(from);
        let mut addresses = self.0.lock();
        if addresses.len() >= MOST && !addresses.contains_key(&from) {
            addresses.retain(|_, failures| !over(failures));
            let oldest = addresses.iter().min_by_key(|(_, failures)| failures.since);
            let oldest = oldest.map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| addresses.len() >= MOST) {
                addresses.remove(&oldest);
            }
        }
        let failures = addresses.entry(from).or_insert(Failures { count: 0, since: now });
        if over(failures) {
            *failures = Failures { count: 0, since: now };
        }
        failures.count = failures.count.saturating_add(1);
    }
}

/// One subscriber has 2^64 addresses of IPv6 (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_guesses_too_often_waits_and_may_then_try_again() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let (guesser, other) = (address("10.0.0.1"), address("10.0.0.2"));
        for _ in 0..LIMIT {
            assert_eq!(throttle.wait(guesser, start), None);
            throttle.failed(guesser, start);
        }
        assert_eq!(throttle.wait(guesser, start), Some(WINDOW));
        assert_eq!(throttle.wait(other, start), None);
        assert_eq!(throttle.wait(guesser, start + WINDOW), None);
        throttle.failed(guesser, start + WINDOW);
        assert_eq!(throttle.wait(guesser, start + WINDOW), None, "counted anew");
    }

    #[test]
    fn the_addresses_of_one_household_count_as_one() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for host in 0..LIMIT {
            throttle.failed(address(&format!("2001:db8::{host:x}")), now);
        }
        assert!(throttle.wait(address("2001:db8::ffff"), now).is_some());
        assert!(throttle.wait(address("2001:db8:0:1::1"), now).is_none());
    }

    #[test]
    fn memory_is_bounded_however_many_guess() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for host in 0..=MOST as u32 {
            let later = now + Duration::from_millis(u64::from(host));
            throttle.failed(IpAddr::V4(host.into()), later);
        }
        assert_eq!(throttle.0.lock().len(), MOST);
    }
}
