//! Decisions about API keys, in the database and in the snapshot. Of two about one key the later
//! counts, so that neither place can bring back what the other knows better.
//!
//! Must not know: how keys are checked.

use crate::store::StoreError;
use crate::store::engine::{Changes, Table};
use crate::store::pack::{self, Malformed, Unpacker};
use crate::types::KeyRow;
use std::collections::BTreeMap;

/// The bytes of a SHA-256.
const HASH: usize = 32;
/// The fewest bytes that a row takes: its hash, two empty texts and three numbers.
const LEAST_ROW: usize = 2 * HASH;

/// The rows by their hashes.
pub(super) type Rows = BTreeMap<[u8; HASH], KeyRow>;

/// What the database and `snapshot` know; what only the snapshot knows is brought back.
pub(super) fn load(table: &Table, snapshot: Vec<KeyRow>) -> Rows {
    let mut rows = Rows::new();
    let read = table.scan(vec![]..vec![u8::MAX; HASH + 1], |_, value| {
        match Unpacker::new(value).key_row() {
            Ok(row) => keep_later(&mut rows, row),
            Err(Malformed) => tracing::warn!("a key's row in the database is not readable"),
        }
    });
    let mut changes = Changes::default();
    for row in snapshot {
        if rows.get(&row.sha256).is_none_or(|known| known.edition < row.edition) {
            changes.put(&row.sha256, packed(&row));
            keep_later(&mut rows, row);
        }
    }
    if let Err(error) = read.and_then(|()| table.apply(changes)) {
        tracing::warn!(%error, "keys go on from the snapshot and what could be read");
    }
    rows
}

/// Keeps a row; it is on disk when it returns.
pub(super) fn save(table: &Table, row: &KeyRow) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    changes.put(&row.sha256, packed(row));
    table.apply(changes)
}

/// Appends all rows.
pub(super) fn put_rows<'a>(out: &mut Vec<u8>, rows: impl ExactSizeIterator<Item = &'a KeyRow>) {
    pack::put_number(out, rows.len() as u64);
    rows.for_each(|row| put(out, row));
}

/// The next rows.
pub(super) fn take_rows(from: &mut Unpacker<'_>) -> Result<Vec<KeyRow>, Malformed> {
    let count = from.count(LEAST_ROW)?;
    (0..count).map(|_| from.key_row()).collect()
}

fn keep_later(rows: &mut Rows, row: KeyRow) {
    match rows.get_mut(&row.sha256) {
        Some(known) if known.edition >= row.edition => {}
        Some(known) => *known = row,
        None => drop(rows.insert(row.sha256, row)),
    }
}

fn packed(row: &KeyRow) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, row);
    bytes
}

/// The hash as hex digits, so that it is a text like any other; what is absent is 0, what is there
/// is one more than it is.
fn put(out: &mut Vec<u8>, row: &KeyRow) {
    pack::put_text(out, &row.sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    pack::put_text(out, &row.alias);
    pack::put_text(out, row.tenant.as_deref().unwrap_or_default());
    for date in [row.made, row.revoked] {
        pack::put_number(out, date.map_or(0, |date| date.saturating_add(1)));
    }
    pack::put_number(out, row.edition);
}

impl Unpacker<'_> {
    fn key_row(&mut self) -> Result<KeyRow, Malformed> {
        let hex = self.text()?;
        let (alias, tenant) = (self.text()?, self.text()?);
        let mut date = || self.number().map(|date| date.checked_sub(1));
        let (made, revoked) = (date()?, date()?);
        Ok(KeyRow {
            sha256: hash(&hex).ok_or(Malformed)?,
            alias,
            tenant: Some(tenant).filter(|tenant| !tenant.is_empty()),
            made,
            revoked,
            edition: self.number()?,
        })
    }
}

fn hash(hex: &str) -> Option<[u8; HASH]> {
    let mut bytes = [0; HASH];
    if hex.len() != 2 * HASH || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
