//! A configuration in the words a user writes.
//!
//! Must not know: processes.

use super::proxy::Proxy;
use std::fmt::Write as _;

/// What goes into the configuration file.
#[derive(Clone, Default)]
pub struct Setup {
    server: String,
    upstreams: Vec<String>,
    models: String,
    rest: String,
    /// Variables of the proxy's environment.
    pub env: Vec<(String, String)>,
}

impl Setup {
    /// One upstream `u` with these endpoints and one model `m` there.
    pub fn to<U: AsRef<str>>(endpoints: impl IntoIterator<Item = U>) -> Self {
        let model = "[[model]]\nname = \"m\"\ntargets = [{ upstream = \"u\" }]\n";
        Self { models: model.into(), ..Self::default() }.upstream("u", endpoints)
    }

    /// Another upstream.
    pub fn upstream<U: AsRef<str>>(
        mut self,
        name: &str,
        endpoints: impl IntoIterator<Item = U>,
    ) -> Self {
        let urls: Vec<_> = endpoints.into_iter().map(|url| format!("{:?}", url.as_ref())).collect();
        self.upstreams.push(format!(
            "[[upstream]]\nname = \"{name}\"\nprotocol = \"openai\"\nendpoints = [{}]\n",
            urls.join(", ")
        ));
        self
    }

    /// Another line for the upstream that was named last.
    pub fn with(mut self, line: &str) -> Self {
        let last = self.upstreams.last_mut().expect("an upstream");
        writeln!(last, "{line}").expect("memory");
        self
    }

    /// Other models instead of `m`.
    pub fn models(mut self, tables: &str) -> Self {
        self.models = tables.to_owned();
        self
    }

    /// Another line for `[server]`.
    pub fn server(mut self, line: &str) -> Self {
        writeln!(self.server, "{line}").expect("memory");
        self
    }

    /// Other tables.
    pub fn tables(mut self, tables: &str) -> Self {
        writeln!(self.rest, "{tables}").expect("memory");
        self
    }

    /// Another variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The file, for a proxy on these ports.
    pub fn file(&self, data: u16, admin: u16) -> String {
        format!(
            "[server]\nlisten = [\"127.0.0.1:{data}\"]\nadmin = \"127.0.0.1:{admin}\"\n{}\n{}\n{}\n{}",
            self.server,
            self.upstreams.join("\n"),
            self.models,
            self.rest
        )
    }

    /// Starts a proxy and waits until it is ready.
    pub async fn start(self) -> Proxy {
        Proxy::start(&self).await
    }
}
