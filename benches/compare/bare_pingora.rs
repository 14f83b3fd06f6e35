//! The baseline: the least a pingora proxy can be. One peer, no filters, no logs.
//! Its settings are pingora's defaults but for room in the upstream pool.

use std::net::SocketAddr;

use async_trait::async_trait;
use pingora::prelude::{HttpPeer, Server};
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::RunArgs;
use pingora::server::configuration::ServerConf;

use crate::Result;

/// Passes everything that arrives at `listen` to `upstream`, until it is killed.
///
/// # Errors
/// None: pingora ends the process when it cannot serve.
pub fn run(listen: &str, upstream: SocketAddr) -> Result<()> {
    let conf =
        ServerConf { threads: 1, upstream_keepalive_pool_size: 4096, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, PassThrough { upstream });
    service.add_tcp(listen);
    server.add_service(service);
    server.run(RunArgs::default());
    Ok(())
}

struct PassThrough {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for PassThrough {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        _ctx: &mut (),
    ) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}
