//! Input of OpenAI's Batch API: a line of `custom_id`, `method`, `url` and `body` each.
//!
//! Batches have no instants: all requests are taken to have come at once. Must not know: what
//! an exchange is made of.

use crate::capture::interchange::import::http::exchange;
use crate::capture::interchange::import::{Assumed, ImportError, Taker};
use crate::capture::jsonl::{Lines, told};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Line {
    custom_id: Option<String>,
    method: Option<String>,
    url: String,
    body: Box<RawValue>,
}

pub(super) fn read(
    mut lines: Lines,
    assumed: &Assumed,
    taker: &mut Taker<'_>,
) -> Result<(), ImportError> {
    while let Some(line) = lines.next()? {
        let parsed = serde_json::from_slice::<Line>(line).map_err(|error| told(&error));
        let line = parsed.map_err(|why| lines.wrong(why))?;
        let method = line.method.as_deref().unwrap_or("POST");
        let method = Method::from_bytes(method.as_bytes());
        let method = method.map_err(|_| lines.wrong("`method` is none of HTTP"))?;
        let body = Bytes::from(String::from(Box::<str>::from(line.body)));
        let mut exchange = exchange(method, &line.url, HeaderMap::new(), Some(body));
        exchange.request_id = line.custom_id;
        exchange.times.received = assumed.began;
        taker.exchange(exchange)?;
    }
    Ok(())
}
