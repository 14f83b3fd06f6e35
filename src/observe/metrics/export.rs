//! All that is exported, one page of text for each family.
//!
//! Pages, because a thousand models make tens of megabytes: between two of them others may
//! have the thread. Must not know: what is exported.

use super::exposition::Exposition;
use super::lines;
use super::view::Page;
use bytes::Bytes;
use std::slice::Iter;

/// The text of one export after the other, each in pieces that follow each other. Nothing is
/// said twice: what has not changed since the last scrape is handed out as it was then.
pub struct Pages<'a> {
    pages: Iter<'a, Box<dyn Page>>,
    exposition: Exposition,
    /// What is still to come after the pages.
    end: Option<&'static str>,
}

impl<'a> Pages<'a> {
    /// The text of `pages` in `exposition`.
    pub(super) fn new(pages: &'a [Box<dyn Page>], exposition: Exposition) -> Self {
        let end = match exposition {
            Exposition::Text => None,
            Exposition::OpenMetrics => Some(lines::END),
        };
        Self { pages: pages.iter(), exposition, end }
    }
}

impl Iterator for Pages<'_> {
    type Item = Vec<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.pages.next() {
            Some(page) => Some(page.text(self.exposition)),
            None => self.end.take().map(|end| vec![Bytes::from_static(end.as_bytes())]),
        }
    }
}
