//! Whether a host is one of the operator's own or somebody else's.
//!
//! Must not know: what is kept from whom.

use std::net::IpAddr;

/// Endings of names that only resolve within a network (RFC 6761, RFC 6762, RFC 8375, and
/// the customs of cluster DNS).
const OWN_ENDINGS: [&str; 8] =
    [".local", ".localhost", ".internal", ".svc", ".lan", ".home.arpa", ".test", ".intranet"];

/// Who runs a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locality {
    /// Loopback, a private network, or a name that only resolves within one.
    Own,
    /// Anybody.
    ThirdParty,
}

impl Locality {
    /// That of `host`, a name or an address; IPv6 without brackets.
    pub fn of(host: &str) -> Self {
        let own = match host.parse::<IpAddr>() {
            Ok(address) => is_private(address.to_canonical()),
            Err(_) => !host.contains('.') || OWN_ENDINGS.iter().any(|end| host.ends_with(end)),
        };
        if own { Self::Own } else { Self::ThirdParty }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // 100.64.0.0/10 is shared within a provider's network (RFC 6598).
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_and_names_of_a_network_are_our_own() {
        for own in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "vllm",
            "localhost",
            "vllm.models.svc",
            "vllm.models.svc.cluster.local",
            "gpu.internal",
        ] {
            assert_eq!(Locality::of(own), Locality::Own, "{own}");
        }
        for theirs in ["8.8.8.8", "100.128.0.1", "2001:db8::1", "api.openai.com", "evil-local.com"]
        {
            assert_eq!(Locality::of(theirs), Locality::ThirdParty, "{theirs}");
        }
    }
}
