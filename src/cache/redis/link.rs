//! Connections to a server, to a cluster, or to the master that sentinels name.
//!
//! Gets and everything else go over connections of their own, so that a large value on its
//! way out does not hold up a lookup. Both are multiplexed: any number of commands at once.
//!
//! Must not know: what is asked, or when to connect.

use super::health::Streak;
use crate::cache::settings::{RedisSettings, Topology};
use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult, TlsMode,
    Value,
};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The longest that one attempt to connect to a node may take.
const CONNECTING: Duration = Duration::from_secs(1);

/// How often a cluster is asked again when a slot moved or a node is gone, and the longest
/// pause before it in ms. Whoever asks does not wait for more than that.
const RETRIES: u32 = 2;
const RETRY_PAUSE: u64 = 8;

/// What is open now, and how it fares.
pub(super) struct Link {
    pub(super) reads: Connection,
    pub(super) writes: Connection,
    /// Where messages can be heard; any one will do, since a cluster's nodes pass them on.
    hearing: Vec<Client>,
    pub(super) failed_reads: Streak,
    pub(super) failed_writes: Streak,
    /// Told when this link is of no more use.
    pub(super) given_up: Notify,
}

impl Link {
    /// Connects as `settings` say. Not bounded in time; dropping it is fine.
    pub(super) async fn connect(settings: &RedisSettings) -> RedisResult<Self> {
        let info = settings.url.expose().into_connection_info()?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let info = info.set_redis_settings(redis).set_tcp_settings(at_once());
        match &settings.topology {
            Topology::Single => Self::to_server(Client::open(info)?).await,
            Topology::Cluster => Self::to_cluster(addresses(info, &settings.nodes)?).await,
            Topology::Sentinel { master } => {
                Self::to_server(ask_sentinels(addresses(info, &settings.nodes)?, master).await?)
                    .await
            }
        }
    }

    /// A connection that hears what is published on `channel`.
    pub(super) async fn subscribe(&self, channel: &str) -> RedisResult<PubSub> {
        let mut last = RedisError::from((ErrorKind::InvalidClientConfig, "no node to hear"));
        for client in &self.hearing {
            match client.get_async_pubsub().await {
                Ok(mut hearing) => {
                    hearing.subscribe(channel).await?;
                    return Ok(hearing);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Counts a lookup that failed; `None` when there was no answer in time.
    pub(super) fn read_failed(&self, began: Instant, error: Option<&RedisError>) {
        if self.failed_reads.failed(began, Instant::now())
            || error.is_some_and(|error| self.is_over(error))
        {
            self.given_up.notify_one();
        }
    }

    /// Counts a write that failed.
    pub(super) fn write_failed(&self, began: Instant, error: &RedisError) {
        tracing::debug!(%error, "a value was not written to the shared cache");
        // A server without room for more still gives what it has.
        let full = error.code() == Some("OOM");
        if !full && (self.failed_writes.failed(began, Instant::now()) || self.is_over(error)) {
            self.given_up.notify_one();
        }
    }

    /// Whether only another connection can help: this one is closed, or its server is no
    /// longer the master. A cluster's connection sees to both itself.
    fn is_over(&self, error: &RedisError) -> bool {
        let alone = matches!(self.reads, Connection::Server(_));
        alone && (error.is_connection_dropped() || error.code() == Some("READONLY"))
    }

    async fn to_server(client: Client) -> RedisResult<Self> {
        // Whoever asks says how long it waits.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(None);
        let connect = || client.get_multiplexed_async_connection_with_config(&config);
        let (reads, writes) = tokio::try_join!(connect(), connect())?;
        Ok(Self::new(Connection::Server(reads), Connection::Server(writes), vec![client]))
    }

    async fn to_cluster(nodes: Vec<ConnectionInfo>) -> RedisResult<Self> {
        let hearing = nodes.iter().cloned().map(Client::open).collect::<RedisResult<_>>()?;
        let client = ClusterClientBuilder::new(nodes)
            .tcp_settings(at_once())
            .connection_timeout(CONNECTING)
            .retries(RETRIES)
            .min_retry_wait(1)
            .max_retry_wait(RETRY_PAUSE)
            .build()?;
        let connect = || client.get_async_connection();
        let (reads, writes) = tokio::try_join!(connect(), connect())?;
        Ok(Self::new(Connection::Cluster(reads), Connection::Cluster(writes), hearing))
    }

    fn new(reads: Connection, writes: Connection, hearing: Vec<Client>) -> Self {
        Self {
            reads,
            writes,
            hearing,
            failed_reads: Streak::default(),
            failed_writes: Streak::default(),
            given_up: Notify::new(),
        }
    }
}

/// A handle that is cheap to clone; the connection closes with the last one.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// Without Nagle's algorithm, under which a small command may wait for the one before it to
/// be acknowledged: up to 40 ms.
fn at_once() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

/// The URL's own address and those of `nodes`, which share its credentials and TLS.
fn addresses(info: ConnectionInfo, nodes: &[String]) -> RedisResult<Vec<ConnectionInfo>> {
    let scheme = match info.addr() {
        ConnectionAddr::TcpTls { .. } => "rediss",
        _ => "redis",
    };
    let others = nodes.iter().map(|node| {
        let named = format!("{scheme}://{node}").as_str().into_connection_info()?;
        Ok(info.clone().set_addr(named.addr().clone()))
    });
    std::iter::once(Ok(info.clone())).chain(others).collect()
}

/// The master of that name. The URL's credentials are the master's: sentinels are asked
/// without any.
async fn ask_sentinels(sentinels: Vec<ConnectionInfo>, master: &str) -> RedisResult<Client> {
    let secure =
        matches!(sentinels.first().map(ConnectionInfo::addr), Some(ConnectionAddr::TcpTls { .. }));
    let redis = sentinels.first().map(|info| info.redis_settings().clone()).unwrap_or_default();
    let addresses = sentinels.iter().map(|sentinel| sentinel.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
        .set_client_to_redis_tcp_settings(at_once())
        .set_client_to_redis_db(redis.db());
    if let Some(username) = redis.username() {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = redis.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if secure {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    builder.build()?.async_get_client().await
}
