//! Where sums lie that outlive the process, and what stands in for it where there is nothing.
//!
//! Must not know: what is summed up, or a database.

use crate::types::{RollupRow, RollupSpan};
use std::collections::BTreeMap;
use std::ops::Range;

/// Keeps rows: one for a model and a slot of time. Its calls may wait for a disk.
pub trait Shelf: Send {
    /// The models that there are rows of.
    ///
    /// # Errors
    /// As all calls, when it cannot be read or written.
    fn models(&mut self) -> Result<Vec<String>, ShelfError>;

    /// The rows of a model in a range of slots, in order.
    fn read(
        &mut self,
        model: &str,
        span: RollupSpan,
        slots: Range<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ShelfError>;

    /// Sets rows, all or none; they are there for good when it returns.
    fn write(&mut self, rows: Vec<RollupRow>) -> Result<(), ShelfError>;

    /// Forgets all rows of this span before a slot.
    fn forget(&mut self, span: RollupSpan, before: u32) -> Result<(), ShelfError>;
}

/// Why the shelf did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShelfError(pub String);

/// What memory holds in place of a disk, in bytes.
const MEMORY: usize = 32 << 20;
/// What a row takes besides its sums and its model's name.
const ROW: usize = 96;

/// Rows in memory, for a proxy that has no directory: gone with the process, and the minutes
/// that are the oldest are gone before, where there are too many.
#[derive(Debug, Default)]
pub struct MemoryShelf {
    rows: BTreeMap<(RollupSpan, u32, String), Vec<u8>>,
    bytes: usize,
}

impl Shelf for MemoryShelf {
    fn models(&mut self) -> Result<Vec<String>, ShelfError> {
        let mut models: Vec<String> = self.rows.keys().map(|(_, _, model)| model.clone()).collect();
        models.sort_unstable();
        models.dedup();
        Ok(models)
    }

    fn read(
        &mut self,
        model: &str,
        span: RollupSpan,
        slots: Range<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ShelfError> {
        let bound = |slot: u32| (span, slot, String::new());
        let within = self.rows.range(bound(slots.start)..bound(slots.end.max(slots.start)));
        let mine = within.filter(|((_, _, name), _)| name == model);
        Ok(mine.map(|((_, slot, _), sums)| (*slot, sums.clone())).collect())
    }

    fn write(&mut self, rows: Vec<RollupRow>) -> Result<(), ShelfError> {
        for RollupRow { model, span, slot, sums } in rows {
            self.bytes += ROW + model.len() + sums.len();
            let taken = ROW + model.len();
            if let Some(before) = self.rows.insert((span, slot, model), sums) {
                self.bytes -= taken + before.len();
            }
        }
        while self.bytes > MEMORY
            && let Some(((_, _, model), sums)) = self.rows.pop_first()
        {
            self.bytes -= ROW + model.len() + sums.len();
        }
        Ok(())
    }

    fn forget(&mut self, span: RollupSpan, before: u32) -> Result<(), ShelfError> {
        let mut bytes = 0;
        self.rows.retain(|(of, slot, model), sums| {
            let stays = *of != span || *slot >= before;
            bytes += if stays { ROW + model.len() + sums.len() } else { 0 };
            stays
        });
        self.bytes = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_oldest_minutes_go_first() {
        let mut shelf = MemoryShelf::default();
        let row = |span, slot| RollupRow { model: "m".into(), span, slot, sums: vec![0; 1 << 20] };
        shelf.write(vec![row(RollupSpan::Day, 1)]).unwrap();
        for slot in 0..100 {
            shelf.write(vec![row(RollupSpan::Minute, slot)]).unwrap();
            shelf.write(vec![row(RollupSpan::Minute, slot)]).unwrap();
        }
        let minutes = shelf.read("m", RollupSpan::Minute, 0..1_000).unwrap();
        assert!((28..32).contains(&minutes.len()) && minutes.last().unwrap().0 == 99);
        assert_eq!(shelf.read("m", RollupSpan::Day, 0..2).unwrap().len(), 1);
        shelf.forget(RollupSpan::Minute, 99).unwrap();
        assert_eq!(shelf.read("m", RollupSpan::Minute, 0..1_000).unwrap().len(), 1);
        assert_eq!(shelf.bytes, 2 * (ROW + 1 + (1 << 20)));
    }
}
