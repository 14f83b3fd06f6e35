//! Tables of numbers and words: a line of names, and a row a line.
//!
//! These have no commas or line breaks within a field; quotes around one are taken off. Must
//! not know: what columns mean.

use crate::capture::LineError;
use crate::capture::jsonl::{Billionths, Lines};

pub(super) struct Table {
    lines: Lines,
    names: Vec<String>,
    row: Vec<String>,
}

impl Table {
    /// Reads the line of names.
    pub(super) fn new(mut lines: Lines) -> Result<Self, LineError> {
        let names = lines.next()?.map(fields).unwrap_or_default();
        Ok(Self { lines, names, row: Vec::new() })
    }

    /// Goes on to the next row, if there is one.
    pub(super) fn next(&mut self) -> Result<bool, LineError> {
        let Some(line) = self.lines.next()? else { return Ok(false) };
        self.row = fields(line);
        if self.row.len() == self.names.len() {
            return Ok(true);
        }
        let (fields, names) = (self.row.len(), self.names.len());
        Err(self.lines.wrong(format!("it has {fields} fields, and there are {names} columns")))
    }

    /// The line of the row, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// The field of a column; `None` where there is no such column or nothing in it.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let place = self.names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        self.row.get(place).map(String::as_str).filter(|field| !field.is_empty())
    }

    /// What `read` makes of a field that has to be there.
    pub(super) fn field<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, LineError> {
        let Some(field) = self.text(name) else {
            return Err(self.lines.wrong(format!("there is no `{name}`")));
        };
        read(field).ok_or_else(|| self.lines.wrong(format!("`{name}` cannot be read")))
    }

    /// What a row has become, if it could become anything.
    pub(super) fn made<T>(&self, made: Option<T>) -> Result<T, LineError> {
        made.ok_or_else(|| self.lines.wrong("its time or its lengths are beyond all bounds"))
    }

    /// A whole number that has to be there; some tools write it as `12.0`.
    pub(super) fn count(&self, name: &str) -> Result<u64, LineError> {
        self.field(name, |field| {
            let number = Billionths::parse(field)?.seconds()?;
            (number.subsec_nanos() == 0).then_some(number.as_secs())
        })
    }
}

fn fields(line: &[u8]) -> Vec<String> {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_start_matches('\u{feff}');
    line.split(',').map(|field| field.trim().trim_matches('"').to_owned()).collect()
}
