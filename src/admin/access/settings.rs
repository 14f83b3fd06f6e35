//! What an operator says about the admin listener, validated.
//!
//! Must not know: TOML, or where a file was.

use super::rights::Right;
use rustls::ServerConfig;
use std::sync::Arc;

/// `[admin]`
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// What comes before every path: empty, or such as `/transom`.
    pub base_path: String,
    /// Names that requests may be sent to, besides addresses of the listener and `localhost`.
    pub hosts: Vec<HostName>,
    /// Who may sign in, in order; unique by name and by token. Empty where everybody who reaches
    /// the listener may do everything.
    pub users: Vec<UserSettings>,
    /// Where connections are encrypted.
    pub tls: AdminTls,
    /// Who may read the metrics; if not said, everybody on a loopback address without TLS.
    pub metrics: Option<MetricsAccess>,
}

/// The name of a host, and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// In lower case; IPv6 without brackets.
    pub name: String,
    /// The port; `None` is that of the scheme, or any where there is no scheme.
    pub port: Option<u16>,
}

/// Somebody who may sign in.
#[derive(Clone, Debug)]
pub struct UserSettings {
    /// Unique; how the audit calls them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// SHA-256 of their token.
    pub token_sha256: [u8; 32],
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees numbers, not content.
    Viewer,
    /// Sees content, too.
    ViewerContent,
    /// Sees numbers and acts.
    Operator,
    /// Everything.
    Admin,
}

/// Where connections to the admin listener are encrypted.
#[derive(Clone, Debug, Default)]
pub enum AdminTls {
    /// Nowhere.
    #[default]
    None,
    /// By a proxy before it, which says in `X-Forwarded-For` whom it speaks for.
    Before,
    /// Here.
    Here(Arc<ServerConfig>),
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever reaches the listener.
    Open,
    /// Whoever may see numbers.
    Viewer,
}

impl Role {
    /// Whether it includes `right`. Content is a right of its own: who acts need not read what
    /// callers write.
    pub const fn may(self, right: Right) -> bool {
        matches!(
            (self, right),
            (Self::Admin, _)
                | (_, Right::View)
                | (Self::ViewerContent, Right::Content)
                | (Self::Operator, Right::Act)
        )
    }

    /// As it is written in the configuration.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::ViewerContent => "viewer-content",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_a_right_of_its_own() {
        let rights = [Right::View, Right::Content, Right::Act, Right::Administer];
        let of = |role: Role| rights.map(|right| role.may(right));
        assert_eq!(of(Role::Viewer), [true, false, false, false]);
        assert_eq!(of(Role::ViewerContent), [true, true, false, false]);
        assert_eq!(of(Role::Operator), [true, false, true, false]);
        assert_eq!(of(Role::Admin), [true; 4]);
    }
}
