//! `redis` of `[cache]`
//!
//! Must not know: what is kept there. Reports never repeat a URL that may hold a password.

use super::secret::Places;
use crate::cache::{RedisSettings, Topology};
use crate::config::env::Environment;
use crate::config::format::{RedisUrl, Text};
use crate::config::path::Path;
use crate::config::raw::{RawRedis, RawRedisTable};
use crate::config::report::Report;
use crate::types::Secret;

/// The validated setting at `path`; `None` when it leads nowhere.
pub(super) fn settings(
    raw: RawRedis,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Option<RedisSettings> {
    let table = match raw {
        RawRedis::Url(Text(url)) => return Some(RedisSettings::new(Secret::new(url.0))),
        RawRedis::Table(table) => table,
    };
    let topology = topology(&table, path, report);
    limits(&table, path, report);
    let url = url(&table, env, path, report);
    if let (Some((url, path)), Topology::Cluster) = (&url, &topology)
        && RedisUrl::database(url).is_ok_and(|database| database != 0)
    {
        report.at(path, "a cluster has no databases but 0; leave the path of the URL out");
    }
    Some(RedisSettings {
        url: Secret::new(url?.0),
        topology,
        nodes: table.nodes.into_iter().map(|Text(node)| node.0).collect(),
        timeout: table.timeout.0,
        prefix: table.prefix.0.0,
    })
}

/// The URL, and the path of the setting that led to it.
fn url(
    raw: &RawRedisTable,
    env: &Environment,
    path: &Path,
    report: &mut Report<'_>,
) -> Option<(String, Path)> {
    let (variable, file) = (raw.url_env.as_ref(), raw.url_file.as_ref());
    let places = Places { name: "url", noun: "URL", env: variable, file };
    let written = ["url", "url_env", "url_file"].map(|key| report.count(&path.key(key)) > 0);
    match (&raw.url, written) {
        (_, [false, false, false]) => report.at(path, "needs a url, url_env or url_file"),
        (Some(Text(url)), [_, false, false]) => return Some((url.0.clone(), path.key("url"))),
        (_, [true, ..]) if written != [true, false, false] => {
            let words = "the URL comes from url_env or url_file already; use only one";
            report.at(&path.key("url"), words);
            return None;
        }
        _ => {}
    }
    let (url, from) = places.read(env, path, report)?;
    match RedisUrl::database(&url) {
        Ok(_) => Some((url, from)),
        Err(why) => {
            report.at(&from, format_args!("what it leads to: {why}"));
            None
        }
    }
}

fn topology(raw: &RawRedisTable, path: &Path, report: &mut Report<'_>) -> Topology {
    let topology = match (&raw.sentinel_master, raw.cluster) {
        (Some(_), true) => {
            let words = "a cluster has no sentinels: use cluster or sentinel_master, not both";
            report.at(&path.key("sentinel_master"), words);
            Topology::Cluster
        }
        (Some(Text(master)), false) => Topology::Sentinel { master: master.0.clone() },
        (None, true) => Topology::Cluster,
        (None, false) => Topology::Single,
    };
    if topology == Topology::Single && !raw.nodes.is_empty() {
        let words = "one server has no further nodes; say cluster = true or sentinel_master";
        report.at(&path.key("nodes"), words);
    }
    topology
}

fn limits(raw: &RawRedisTable, path: &Path, report: &mut Report<'_>) {
    if raw.timeout.0.is_zero() {
        report.at(&path.key("timeout"), "must be longer than 0s");
    }
    // All keys with the same text in braces are in the same slot of a cluster.
    if raw.prefix.0.0.contains(['{', '}', ' ']) {
        report.at(&path.key("prefix"), "cannot hold { } or spaces");
    }
}
