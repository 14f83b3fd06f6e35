//! The proxy as its users meet it: the built binary behind real sockets, before backends
//! that follow a script. One file a behaviour; one test target, so that it links once.

// `cfg(test)` tells the lints that everything here is a test.
#[cfg(test)]
mod access;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod balancing;
#[cfg(test)]
mod body_limits;
#[cfg(test)]
mod broken_streams;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod capture;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod exchange_loop;
#[cfg(test)]
mod first_token;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod history;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod https;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod interim;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod objectives;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod pass_through;
#[cfg(test)]
mod pooled_connections;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod records;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod request_page;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod run_time_keys;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod strange_names;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod usage_chunk;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod what_if;
