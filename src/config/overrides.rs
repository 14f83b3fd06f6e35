//! The command line: what it says about settings.
//!
//! Must not know: how a command line is parsed.

use super::format::{EndpointUrl, Format, Rule};
use super::report::Problem;
use super::tree::{Node, Origin, Value};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Settings from flags. They go before the environment and the file, and are checked like
/// those.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--listen`; empty when it was not given.
    pub listen: Vec<SocketAddr>,
    /// `--admin`
    pub admin: Option<SocketAddr>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--upstream`: URLs, each of which adds an upstream named after its host and port.
    pub upstreams: Vec<String>,
}

impl Overrides {
    /// Puts the flags in the place of what `tree` says.
    pub(super) fn overlay(&self, tree: &mut Node, problems: &mut Vec<Problem>) {
        let text = |flag, text: String| Node::text(Origin::Flag(flag), text);
        if !self.listen.is_empty() {
            let each = self.listen.iter().map(|address| text("--listen", address.to_string()));
            let value = Value::List(each.collect());
            set(tree, "listen", Node { origin: Origin::Flag("--listen"), value });
        }
        if let Some(admin) = self.admin {
            set(tree, "admin", text("--admin", admin.to_string()));
        }
        if let Some(directory) = &self.data_dir {
            match directory.to_str() {
                Some(name) => set(tree, "data_dir", text("--data-dir", name.to_owned())),
                None => problems.push(Problem::whole(Origin::Flag("--data-dir"), "is not UTF-8")),
            }
        }
        for url in &self.upstreams {
            if let Err(problem) = add_upstream(tree, url) {
                problems.push(problem);
            }
        }
    }
}

/// Writes `server.key`. A `server` that is no table is reported as such later.
fn set(tree: &mut Node, key: &str, node: Node) {
    let origin = node.origin.clone();
    let server = tree.entry("server", || Node::table(origin));
    if let Some(Value::Table(entries)) = server.map(|server| &mut server.value) {
        entries.insert(key.to_owned(), node);
    }
}

/// Adds an upstream, unless `upstream` is no list, which is reported as such later.
fn add_upstream(tree: &mut Node, url: &str) -> Result<(), Problem> {
    let origin = Origin::Flag("--upstream");
    let refused = |words| Problem::whole(origin.clone(), words);
    Rule::of::<EndpointUrl>().check(url).map_err(&refused)?;
    let Ok(EndpointUrl { origin: server, .. }) = EndpointUrl::read(url) else { return Ok(()) };
    let upstreams = tree.entry("upstream", || Node::list(origin.clone()));
    if let Some(Value::List(upstreams)) = upstreams.map(|upstreams| &mut upstreams.value) {
        let mut upstream = Node::table(origin.clone());
        upstream.entry("name", || Node::text(origin.clone(), server.authority()));
        let url = Node::text(origin.clone(), url);
        upstream
            .entry("endpoints", || Node { origin: origin.clone(), value: Value::List(vec![url]) });
        upstreams.push(upstream);
    }
    Ok(())
}
