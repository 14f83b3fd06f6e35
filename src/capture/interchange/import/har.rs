//! HTTP Archive 1.2, an entry at a time.
//!
//! <http://www.softwareishard.com/blog/har-12-spec/>. A status of 0 is a request that was not
//! answered; times and sizes below 0 are not known. Bodies are there as they were after any
//! compression, so that the headers about their coding are dropped. Must not know: what an
//! exchange is made of.

use crate::capture::interchange::import::http::{exchange, path_of};
use crate::capture::interchange::import::{ImportError, Taker};
use crate::capture::jsonl::{MAX_LINE, told};
use crate::capture::{AnswerNote, Content, Exchange, LineError, Message, Times};
use crate::protocol::parse_date;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;
use std::time::Duration;

pub(super) fn read(source: Box<dyn BufRead>, taker: &mut Taker<'_>) -> Result<(), ImportError> {
    let left = Rc::new(Cell::new(MAX_LINE));
    let mut json = serde_json::Deserializer::from_reader(Meter { source, left: left.clone() });
    let mut archive = Archive { taker, left, failed: None };
    let read = Place::Root(&mut archive).deserialize(&mut json).and_then(|()| json.end());
    if let Some(failed) = archive.failed {
        return Err(failed);
    }
    read.map_err(|error| {
        let line = error.line() as u64;
        if error.is_io() {
            return LineError::Io { line, source: error.into() }.into();
        }
        LineError::Line { line, why: told(&error) }.into()
    })
}

/// Counts what is read of an entry.
struct Meter {
    source: Box<dyn BufRead>,
    left: Rc<Cell<u64>>,
}

impl Read for Meter {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("an entry is too long"))?);
        Ok(read)
    }
}

/// What is on the way out of an archive.
struct Archive<'a, 'b> {
    taker: &'a mut Taker<'b>,
    left: Rc<Cell<u64>>,
    failed: Option<ImportError>,
}

/// Where in the archive we are: `{"log": {"entries": [ … ]}}`.
enum Place<'a, 'b, 'c> {
    Root(&'a mut Archive<'b, 'c>),
    Log(&'a mut Archive<'b, 'c>),
    Entries(&'a mut Archive<'b, 'c>),
}

impl<'de> DeserializeSeed<'de> for Place<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Self::Root(_) | Self::Log(_) => deserializer.deserialize_map(self),
            Self::Entries(_) => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Place<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root(_) => "an object with a `log`",
            Self::Log(_) => "a `log` with `entries`",
            Self::Entries(_) => "a list of entries",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (Self::Root(archive) | Self::Log(archive), wanted) = self.wanted() else {
            return Ok(());
        };
        let mut found = false;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "log" if wanted == "log" => map.next_value_seed(Place::Log(archive))?,
                "entries" if wanted == "entries" => {
                    map.next_value_seed(Place::Entries(archive))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            found = true;
        }
        if found { Ok(()) } else { Err(A::Error::missing_field(wanted)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self::Entries(archive) = self else { return Ok(()) };
        loop {
            archive.left.set(MAX_LINE);
            let Some(entry) = entries.next_element::<Entry>()? else { return Ok(()) };
            let taken = match entry.exchange().map_err(A::Error::custom)? {
                Some(exchange) => archive.taker.exchange(exchange),
                None => {
                    archive.taker.skip("not_http");
                    Ok(())
                }
            };
            if let Err(error) = taken {
                archive.failed = Some(error);
                return Err(A::Error::custom("nobody takes more"));
            }
        }
    }
}

impl Place<'_, '_, '_> {
    fn wanted(self) -> (Self, &'static str) {
        let wanted = if matches!(self, Self::Root(_)) { "log" } else { "entries" };
        (self, wanted)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: String,
    time: Option<f64>,
    request: Request,
    response: Option<Response>,
    #[serde(default)]
    timings: Timings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<Pair>,
    content: Option<Text>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Text {
    size: Option<f64>,
    text: Option<String>,
    encoding: Option<String>,
}

/// In milliseconds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Timings {
    blocked: Option<f64>,
    dns: Option<f64>,
    /// With TLS.
    connect: Option<f64>,
    send: Option<f64>,
    wait: Option<f64>,
}

impl Entry {
    /// `None` where it is not of HTTP.
    fn exchange(self) -> Result<Option<Exchange>, &'static str> {
        let Some(path) = path_of(&self.request.url) else { return Ok(None) };
        let times = self.times().ok_or("`startedDateTime` or a time is out of bounds")?;
        let method = Method::from_bytes(self.request.method.as_bytes());
        let method = method.map_err(|_| "`method` is none of HTTP")?;
        let body = self.request.post_data.map_or(Ok(None), Text::bytes)?;
        let mut exchange = exchange(method, path, headers(&self.request.headers), body);
        exchange.times = times;
        exchange.answer = match self.response {
            Some(response) => response.answer()?,
            None => None,
        };
        if exchange.answer.is_none() {
            exchange.times = Times { received: times.received, ..Times::default() };
        }
        Ok(Some(exchange))
    }

    fn times(&self) -> Option<Times> {
        let Timings { blocked, dns, connect, send, wait } = self.timings;
        let before = [blocked, dns, connect, send].into_iter().flatten().filter(|ms| *ms >= 0.0);
        let sent = send.map(|_| before.sum::<f64>());
        let wait = wait.filter(|wait| *wait >= 0.0);
        let headers = sent.zip(wait).map(|(sent, wait)| sent + wait);
        Some(Times {
            received: parse_date(&self.started_date_time)?,
            sent: millis(sent)?,
            headers: millis(headers)?,
            last: millis(self.time)?,
            ..Times::default()
        })
    }
}

impl Response {
    fn answer(self) -> Result<Option<AnswerNote>, &'static str> {
        let Some(status @ 1..) = self.status else { return Ok(None) };
        let size = self.content.as_ref().and_then(|content| content.size);
        let body = self.content.map_or(Ok(None), Text::bytes)?;
        let mut headers = headers(&self.headers);
        if body.is_some() {
            for name in [CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING] {
                headers.remove(name);
            }
        }
        Ok(Some(AnswerNote {
            status,
            chunks: Vec::new(),
            complete: None,
            bytes: size.filter(|size| *size >= 0.0).map(|size| size as u64),
            message: Message { headers, body: body.map_or(Content::Unknown, Content::Whole) },
        }))
    }
}

impl Text {
    fn bytes(self) -> Result<Option<Bytes>, &'static str> {
        let is_base64 = self.encoding.is_some_and(|word| word.eq_ignore_ascii_case("base64"));
        match self.text {
            Some(text) if is_base64 => {
                let bytes = STANDARD.decode(text).map_err(|_| "a body is not base64")?;
                Ok(Some(Bytes::from(bytes)))
            }
            text => Ok(text.map(Bytes::from)),
        }
    }
}

/// Those that are of HTTP: browsers write down the pseudo-headers of HTTP/2 as well.
fn headers(pairs: &[Pair]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for Pair { name, value } in pairs {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            // A map has room for more headers than any message has.
            headers.try_append(name, value).ok();
        }
    }
    headers
}

/// Whole microseconds; `None` inside where it is not known, outside where it is no time.
fn millis(millis: Option<f64>) -> Option<Option<Duration>> {
    let Some(millis) = millis.filter(|millis| *millis >= 0.0) else { return Some(None) };
    let time = Duration::try_from_secs_f64(millis / 1e3).ok()?;
    let micros = u64::try_from((time.as_nanos() + 500) / 1000).ok()?;
    Some(Some(Duration::from_micros(micros)))
}
