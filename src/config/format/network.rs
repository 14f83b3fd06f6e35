//! `10.0.0.0/8`
//!
//! Must not know: who is in it.

use super::{Format, Refusal};
use ipnet::IpNet;
use std::net::IpAddr;

/// A network of addresses, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Network(pub IpNet);

impl Format for Network {
    const NAME: &'static str = "transom-network";
    const NOUN: &'static str = "a network";
    const EXAMPLES: &'static [&'static str] = &["10.0.0.0/8", "fd00::/8"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let one = text.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| text.parse::<IpNet>()).map(Self).map_err(|_| Refusal::Malformed)
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_as_an_address_with_or_without_a_length() {
        assert_eq!(Network::read("10.0.0.0/8").unwrap().write(), "10.0.0.0/8");
        assert_eq!(Network::read("::1").unwrap().write(), "::1/128");
        for wrong in ["", "10.0.0.0/33", "localhost", "10.0/8"] {
            assert!(Network::read(wrong).is_err(), "{wrong}");
        }
    }
}
