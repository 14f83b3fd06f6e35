//! A captured request, written so that it can be sent again: for curl, and for Python.
//!
//! Its key is a variable of the environment: a captured request has none. Must not know: who may
//! see it.

use crate::admin::pages::quoting::{python, shell};
use crate::capture::{Content, Exchange};
use std::net::SocketAddr;

/// The longest body that is put into a command, in bytes. Linux takes 128 KiB a word.
const LONGEST: usize = 64 << 10;

/// The request in two languages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) curl: String,
    pub(super) python: String,
}

/// What it is made of.
struct Call<'a> {
    method: &'a str,
    url: String,
    body: &'a str,
    content_type: &'a str,
    needs_key: bool,
    streamed: bool,
}

impl Again {
    /// That of `exchange`, sent to `proxy`; `None` unless all of it was kept, as text that is not
    /// too long.
    pub(super) fn of(exchange: &Exchange, proxy: SocketAddr) -> Option<Self> {
        let Content::Whole(body) = &exchange.request.body else { return None };
        let body = str::from_utf8(body).ok()?;
        if body.len() > LONGEST || body.contains('\0') {
            return None;
        }
        let (call, caller) = (&exchange.call, &exchange.caller);
        let content_type = exchange.request.headers.get(http::header::CONTENT_TYPE);
        let shown = caller.credential.as_deref().is_some_and(|shown| !shown.is_empty());
        let call = Call {
            method: call.method.as_str(),
            url: format!("http://{proxy}{}", call.path),
            body,
            content_type: content_type.and_then(|kind| kind.to_str().ok()).unwrap_or_default(),
            needs_key: caller.key.is_some() || shown,
            streamed: call.streamed == Some(true),
        };
        Some(Self { curl: call.curl(), python: call.python() })
    }
}

impl Call<'_> {
    fn curl(&self) -> String {
        let mut command = String::from("curl");
        if self.streamed {
            command.push_str(" -N");
        }
        // Brackets and braces are patterns to curl.
        if self.url.contains(['[', ']', '{', '}']) {
            command.push_str(" -g");
        }
        if self.method != if self.body.is_empty() { "GET" } else { "POST" } {
            command.push_str(&format!(" -X {}", shell(self.method)));
        }
        command.push_str(&format!(" {}", shell(&self.url)));
        if !self.content_type.is_empty() {
            let header = format!("content-type: {}", self.content_type);
            command.push_str(&format!(" \\\n    -H {}", shell(&header)));
        }
        if self.needs_key {
            command.push_str(" \\\n    -H \"Authorization: Bearer $TRANSOM_API_KEY\"");
        }
        if !self.body.is_empty() {
            // With `-d`, a body that begins with @ would be taken for the name of a file.
            command.push_str(&format!(" \\\n    --data-raw {}", shell(self.body)));
        }
        command
    }

    fn python(&self) -> String {
        let mut headers = String::new();
        if !self.content_type.is_empty() {
            headers
                .push_str(&format!("        \"Content-Type\": {},\n", python(self.content_type)));
        }
        if self.needs_key {
            headers.push_str(
                "        \"Authorization\": \"Bearer \" + os.environ[\"TRANSOM_API_KEY\"],\n",
            );
        }
        let data = match self.body {
            "" => String::new(),
            body => format!("    data={}.encode(),\n", python(body)),
        };
        format!(
            "{import}import urllib.request\n\n\
             request = urllib.request.Request(\n    {url},\n    method={method},\n{data}    \
             headers={{\n{headers}    }},\n)\n\
             with urllib.request.urlopen(request) as answer:\n    for line in answer:\n        \
             print(line.decode(), end=\"\", flush=True)\n",
            import = if self.needs_key { "import os\n" } else { "" },
            url = python(&self.url),
            method = python(self.method),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CallNote, CallerNote, Message};
    use http::{HeaderMap, HeaderValue, Method};
    use std::process::Command;

    const BODY: &str = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"it's \
                        $(id) `id` \\\"\\\\n\\\" \\u202e'''\"}],\n\"x\":\"\u{1b}[2J\"}";

    fn proxy() -> SocketAddr {
        ([127, 0, 0, 1], 7080).into()
    }

    fn exchange(body: &str) -> Exchange {
        let kind = (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Exchange {
            call: CallNote {
                method: Method::POST,
                path: "/v1/chat/completions?a='b".to_owned(),
                ..CallNote::default()
            },
            request: Message {
                headers: HeaderMap::from_iter([kind]),
                body: Content::Whole(body.to_owned().into()),
            },
            ..Exchange::default()
        }
    }

    /// What a program says to a script, where this machine has the program.
    fn run(program: &str, arguments: &[&str]) -> Option<String> {
        let output = Command::new(program).args(arguments).env("TRANSOM_API_KEY", "k").output();
        let output = output.ok()?;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_command_is_short_and_readable() {
        let mut exchange = exchange(r#"{"model":"m"}"#);
        exchange.call.path = "/v1/chat/completions".to_owned();
        exchange.caller = CallerNote { key: Some("team".to_owned()), ..CallerNote::default() };
        let again = Again::of(&exchange, proxy()).unwrap();
        assert_eq!(
            again.curl,
            "curl 'http://127.0.0.1:7080/v1/chat/completions' \\\n    \
             -H 'content-type: application/json' \\\n    \
             -H \"Authorization: Bearer $TRANSOM_API_KEY\" \\\n    \
             --data-raw '{\"model\":\"m\"}'"
        );
        assert!(again.python.contains(r#"data="{\"model\":\"m\"}".encode(),"#), "{}", again.python);
        assert!(again.python.contains(r#"os.environ["TRANSOM_API_KEY"]"#), "{}", again.python);
    }

    #[test]
    fn a_shell_hands_a_hostile_body_to_curl_as_it_is() {
        let again = Again::of(&exchange(BODY), proxy()).unwrap();
        let script = format!("curl() {{ printf '%s\\n' \"${{@: -1}}\" \"$1\"; }}\n{}", again.curl);
        if let Some(said) = run("bash", &["-c", &script]) {
            let url = "http://127.0.0.1:7080/v1/chat/completions?a='b";
            assert_eq!(said, format!("{BODY}\n{url}\n"));
        }
    }

    #[test]
    fn python_sends_a_hostile_body_as_it_is() {
        let mut exchange = exchange(BODY);
        exchange.caller.credential = Some("something".to_owned());
        let again = Again::of(&exchange, proxy()).unwrap();
        let script = format!(
            "import sys, urllib.request\n\
             def urlopen(request):\n    sys.stdout.buffer.write(request.data)\n    raise SystemExit\n\
             urllib.request.urlopen = urlopen\n{}",
            again.python
        );
        if let Some(said) = run("python3", &["-c", &script]) {
            assert_eq!(said, BODY);
        }
    }

    #[test]
    fn what_is_no_text_or_not_whole_is_no_command() {
        assert_eq!(Again::of(&exchange("a\0b"), proxy()), None);
        assert_eq!(Again::of(&exchange(&"a".repeat(LONGEST + 1)), proxy()), None);
        let mut cut = exchange("");
        cut.request.body = Content::Unknown;
        assert_eq!(Again::of(&cut, proxy()), None);
    }

    #[test]
    fn a_body_never_names_a_file_and_a_path_is_no_pattern() {
        let mut exchange = exchange("@/etc/passwd");
        exchange.call.path = "/x?[1-9]".to_owned();
        let again = Again::of(&exchange, proxy()).unwrap();
        assert!(again.curl.starts_with("curl -g 'http"), "{}", again.curl);
        assert!(again.curl.ends_with("--data-raw '@/etc/passwd'"), "{}", again.curl);
    }
}
