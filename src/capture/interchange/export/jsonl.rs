//! The interchange format as an export: everything, and still no credentials.
//!
//! Must not know: what is in a line.

use crate::capture::interchange::export::safe::Safe;
use crate::capture::interchange::export::{ExportReport, Sink};
use crate::capture::{Exchange, LineWriter};
use std::io::{self, Write};

pub(super) struct Interchange<'a>(LineWriter<&'a mut (dyn Write + Send)>);

impl<'a> Interchange<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> io::Result<Self> {
        Ok(Self(LineWriter::zstd(out)?))
    }
}

impl Sink for Interchange<'_> {
    fn put(&mut self, exchange: &Exchange, report: &mut ExportReport) -> io::Result<()> {
        let mut safe = Safe::default();
        let mut exchange = exchange.clone();
        exchange.call.path = safe.path(&exchange.call.path).into_owned();
        exchange.request.headers = safe.headers(&exchange.request.headers);
        if let Some(answer) = &mut exchange.answer {
            answer.message.headers = safe.headers(&answer.message.headers);
        }
        safe.tell(report);
        report.written += 1;
        self.0.write(&exchange)
    }

    fn end(self: Box<Self>, _: &mut ExportReport) -> io::Result<()> {
        self.0.finish().map(|_| ())
    }
}
