//! Sums of past traffic in the database: a row for a model and a slot of time, all rows of a
//! model one after another, so that a chart reads what it shows and nothing else.
//!
//! They are too many for the snapshot: a database that has to be moved aside takes them with
//! it. Must not know: what is summed up, or the database.

use crate::store::StoreError;
use crate::store::engine::{Changes, Table};
use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::{RollupRow, RollupSpan};
use std::ops::{ControlFlow, Range};

/// Longer than any slot, and after all of them.
const AFTER_SLOTS: [u8; 5] = [u8::MAX; 5];

/// The models that there are rows of. Days are kept the longest, so that each model has one.
pub(super) fn models(table: &Table) -> Result<Vec<String>, StoreError> {
    models_by(table, RollupSpan::Day)
}

/// The rows of a model within `slots`, in order.
pub(super) fn read(
    table: &Table,
    (model, span): (&str, RollupSpan),
    slots: Range<u32>,
) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let mut rows = Vec::new();
    let prefix = prefix(span, model);
    table.scan(within(&prefix, slots), |name, sums| {
        if let Some(slot) = name.last_chunk() {
            rows.push((u32::from_be_bytes(*slot), sums.to_vec()));
        }
    })?;
    Ok(rows)
}

/// Sets rows, all or none; they are on disk when it returns.
pub(super) fn write(table: &Table, rows: Vec<RollupRow>) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    for RollupRow { model, span, slot, sums } in rows {
        let mut name = prefix(span, &model);
        name.extend_from_slice(&slot.to_be_bytes());
        changes.put(&name, sums);
    }
    table.apply(changes)
}

/// Removes the rows of a span before a slot.
pub(super) fn forget(table: &Table, span: RollupSpan, before: u32) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    for model in models_by(table, span)? {
        table.scan(within(&prefix(span, &model), 0..before), |name, _| changes.remove(name))?;
    }
    table.apply(changes)
}

/// The models that have rows of this span: from one to the next, without what lies between.
fn models_by(table: &Table, span: RollupSpan) -> Result<Vec<String>, StoreError> {
    let (mut models, mut from) = (Vec::new(), vec![tag(span)]);
    loop {
        let mut next = None;
        table.scan_some(from..vec![tag(span) + 1], |name, _| {
            next = Some(model_in(name).ok_or_else(|| name.to_vec()));
            ControlFlow::Break(())
        })?;
        from = match next {
            None => return Ok(models),
            Some(Ok(model)) => {
                let after = [prefix(span, &model), AFTER_SLOTS.to_vec()].concat();
                models.push(model);
                after
            }
            // Nothing of ours: past it.
            Some(Err(name)) => [name, vec![0]].concat(),
        };
    }
}

fn within(prefix: &[u8], slots: Range<u32>) -> Range<Vec<u8>> {
    let bound = |slot: u32| [prefix, &slot.to_be_bytes()].concat();
    bound(slots.start)..bound(slots.end.max(slots.start))
}

/// What the names of all rows of a model begin with.
fn prefix(span: RollupSpan, model: &str) -> Vec<u8> {
    let mut prefix = vec![tag(span)];
    pack::put_text(&mut prefix, model);
    prefix
}

/// The model in the name of a row.
fn model_in(name: &[u8]) -> Option<String> {
    let read = |name: &[u8]| -> Result<String, Malformed> {
        let (_, rest) = name.split_first().ok_or(Malformed)?;
        let (rest, _) = rest.split_last_chunk::<4>().ok_or(Malformed)?;
        let mut rest = Unpacker::new(rest);
        let model = rest.text()?;
        rest.end().map(|()| model)
    };
    read(name).ok()
}

const fn tag(span: RollupSpan) -> u8 {
    match span {
        RollupSpan::Minute => b'm',
        RollupSpan::Hour => b'h',
        RollupSpan::Day => b'd',
    }
}
