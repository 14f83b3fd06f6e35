//! `transom.example.org`
//!
//! Must not know: what is there.

use super::endpoint::host_and_port;
use super::{Format, Refusal};

/// The name of a host in lower case, and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct HostAndPort {
    /// IPv6 comes without its brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: Option<u16>,
}

impl Format for HostAndPort {
    const NAME: &'static str = "transom-host";
    const NOUN: &'static str = "the name of a host";
    const EXAMPLES: &'static [&'static str] = &["transom.example.org"];

    fn read(text: &str) -> Result<Self, Refusal> {
        let (host, port) = host_and_port(text).map_err(|_| Refusal::Malformed)?;
        Ok(Self { host, port })
    }

    fn write(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_no_pattern_or_url() {
        let written = |text| HostAndPort::read(text).map(|host| host.write());
        assert_eq!(written("Transom.Example.org"), Ok("transom.example.org".to_owned()));
        assert_eq!(written("[::1]:8443"), Ok("[::1]:8443".to_owned()));
        for wrong in ["", "*", "*.example.org", "https://h", "h/x", "a b", "h:0", "me@h"] {
            assert_eq!(written(wrong), Err(Refusal::Malformed), "{wrong:?}");
        }
    }
}
