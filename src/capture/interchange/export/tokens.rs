//! Traces of lengths: when a request came, its tokens in and out, and the ids of its blocks.
//!
//! As in the traces of Mooncake (Qin et al., FAST 2025): equal ids are equal text with equal
//! text before it, so that a tool can make up prompts that a prefix cache treats as it would
//! have treated the original ones. Must not know: text, or how ids of a shape are made.

use crate::capture::interchange::export::lines::{Pieces, Stamp, Unit};
use crate::capture::interchange::export::object::json;
use crate::capture::interchange::export::{ExportOptions, ExportReport, Loss, Reason};
use crate::capture::{BLOCK, Content, Exchange, Shape};
use crate::types::UsageSource;
use serde::Serialize;
use std::collections::HashMap;
use std::marker::PhantomData;

/// Tokens of a block in these traces: those of a block of a shape, at four bytes each.
pub(super) const TOKENS: u64 = 256;

/// Milliseconds, and blocks where they are known.
pub(super) struct Mooncake;
/// Seconds; blocks are all that prompts are made from.
pub(super) struct Vllm;

pub(super) trait Flavour {
    const STAMP: Stamp;
    const WITHOUT_BLOCKS: Result<Loss, Reason>;
}

impl Flavour for Mooncake {
    const STAMP: Stamp = Stamp { name: "timestamp", unit: Unit::Millis };
    const WITHOUT_BLOCKS: Result<Loss, Reason> = Ok(Loss::Blocks);
}

impl Flavour for Vllm {
    const STAMP: Stamp = Stamp { name: "timestamp", unit: Unit::Seconds };
    const WITHOUT_BLOCKS: Result<Loss, Reason> = Err(Reason::NoBlocks);
}

pub(super) struct TokenTrace<'a, F> {
    options: ExportOptions<'a>,
    /// Ids become small numbers, which every tool can read. Grows with the number of
    /// different blocks: some 32 bytes each.
    numbers: HashMap<Key, u32>,
    flavour: PhantomData<F>,
}

/// What tells a block of tokens from all others.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    source: Source,
    /// Blocks of tokens before it that end in the same block of bytes.
    before: u32,
    /// Tokens of the last block where it is not a full one: no other has its length.
    rest: u16,
}

/// A block of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    /// The tools, which come before all text. Those of the same size are taken to be the same.
    Tools(u64),
    /// Text, by its id.
    Text(u64),
}

#[derive(Serialize)]
struct Line {
    input_length: u64,
    output_length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_ids: Option<Vec<u32>>,
}

impl<'a> TokenTrace<'a, Mooncake> {
    pub(super) fn mooncake(options: ExportOptions<'a>) -> Self {
        Self { options, numbers: HashMap::new(), flavour: PhantomData }
    }
}

impl<'a> TokenTrace<'a, Vllm> {
    pub(super) fn vllm(options: ExportOptions<'a>) -> Self {
        Self { options, numbers: HashMap::new(), flavour: PhantomData }
    }
}

impl<F: Flavour> Pieces for TokenTrace<'_, F> {
    const STAMP: Option<Stamp> = Some(F::STAMP);
    const SENDS: bool = false;

    fn piece(&mut self, exchange: &Exchange, report: &mut ExportReport) -> Result<Vec<u8>, Reason> {
        let usage = exchange.usage.filter(|usage| usage.input > 0 && usage.output > 0);
        let usage = usage.ok_or(Reason::NoTokens)?;
        let made;
        let shape = match &exchange.request.body {
            Content::Shape(shape) => Some(&**shape),
            content => {
                made = (self.options.shape)(&exchange.call, content);
                made.as_ref()
            }
        };
        let hash_ids = shape.and_then(|shape| self.hash_ids(shape, usage.input));
        if hash_ids.is_none() {
            report.lose(F::WITHOUT_BLOCKS?);
        }
        if usage.source == UsageSource::Estimated {
            report.lose(Loss::EstimatedTokens);
        }
        Ok(json(&Line { input_length: usage.input, output_length: usage.output, hash_ids }))
    }
}

impl<F> TokenTrace<'_, F> {
    /// As many ids as `tokens` take blocks.
    ///
    /// A block of tokens is told by the block of bytes that it ends in, at a fixed number of
    /// bytes a token, so that those of two prompts with the same beginning begin alike. Where
    /// a prompt has more tokens than that its last blocks are its own.
    fn hash_ids(&mut self, shape: &Shape, tokens: u64) -> Option<Vec<u32>> {
        let blocks = blocks(shape)?;
        let step = (TOKENS as f64 * self.options.bytes_per_token).max(1.0);
        let mut place = 0;
        let mut last: Option<(Source, u32)> = None;
        let mut ids = Vec::new();
        for number in 1..=tokens.div_ceil(TOKENS) {
            let end = number as f64 * step;
            while place + 1 < blocks.len() && (blocks[place].1 as f64) < end {
                place += 1;
            }
            let source = blocks[place].0;
            let before = last.filter(|last| last.0 == source).map_or(0, |last| last.1 + 1);
            last = Some((source, before));
            let is_last = number * TOKENS > tokens;
            let rest = if is_last { (tokens % TOKENS) as u16 } else { 0 };
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            ids.push(*self.numbers.entry(Key { source, before, rest }).or_insert(next));
        }
        Some(ids)
    }
}

/// The blocks of bytes of a prompt, each with the place of its end; `None` where those of some
/// text are not known, or there is no text.
fn blocks(shape: &Shape) -> Option<Vec<(Source, u64)>> {
    let mut end = 0;
    let mut blocks = Vec::new();
    if shape.tools > 0 {
        end += shape.tools;
        blocks.push((Source::Tools(shape.tools), end));
    }
    for message in &shape.messages {
        if message.blocks.is_empty() && message.length > 0 {
            return None;
        }
        let mut left = message.length;
        for (number, id) in (1..).zip(&message.blocks) {
            let is_last = number == message.blocks.len();
            let length = if is_last { left } else { left.min(BLOCK as u64) };
            left -= length;
            end += length;
            blocks.push((Source::Text(*id), end));
        }
    }
    (!blocks.is_empty()).then_some(blocks)
}
