//! pingora's errors in our words.
//!
//! Must not know: what is done about them.

use crate::types::ErrorType;
use crate::upstream::TransportFault;
use pingora::{Error, ErrorType as Kind};

/// Why no connection could be made.
pub(super) fn connect_fault(error: &Error) -> TransportFault {
    TransportFault(match error.etype() {
        Kind::ConnectTimedout | Kind::TLSHandshakeTimedout => ErrorType::TimeoutConnect,
        Kind::TLSHandshakeFailure | Kind::InvalidCert | Kind::HandshakeError => ErrorType::Tls,
        Kind::ConnectRefused | Kind::ConnectNoRoute | Kind::ConnectError => {
            ErrorType::ConnectRefused
        }
        _ => ErrorType::Other,
    })
}

/// Why a request could not be sent or its response head not be read.
pub(super) fn head_fault(error: &Error) -> TransportFault {
    TransportFault(match error.etype() {
        Kind::ReadError | Kind::WriteError | Kind::ConnectionClosed => ErrorType::UpstreamReset,
        Kind::ReadTimedout | Kind::WriteTimedout => ErrorType::TimeoutIdle,
        _ => ErrorType::DecodeError,
    })
}

/// Why a response body ended early.
pub(super) fn body_fault(error: &Error) -> TransportFault {
    TransportFault(match error.etype() {
        // pingora keeps these kinds to itself, but not their names.
        Kind::Custom("InvalidChunk" | "InvalidTrailerEnd") => ErrorType::DecodeError,
        Kind::ReadTimedout => ErrorType::TimeoutIdle,
        _ => ErrorType::StreamTruncated,
    })
}
