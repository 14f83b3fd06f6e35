//! OpenAI's `usage` object.
//!
//! Must not know: prices, or which answer it is in.

use crate::protocol::json::{Cursor, Step};
use crate::types::{Usage, UsageSource};

/// The usage at the cursor; `None` when it is null or counts no tokens.
pub fn read_usage(cursor: &mut Cursor<'_>) -> Step<Option<Usage>> {
    let (mut input, mut output) = (None, None);
    cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"prompt_tokens" => input = cursor.count()?,
            b"completion_tokens" => output = cursor.count()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    let counted = input.is_some() || output.is_some();
    Ok(counted.then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        source: UsageSource::Upstream,
    }))
}
