//! Strings as they stand in a JSON text.
//!
//! Owns their unescaping. Must not know: where the text came from.

use std::borrow::Cow;

/// A string, quotes and escapes and all.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    pub(super) quoted: &'a [u8],
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// What stands between the quotes, escapes and all.
    pub fn raw(&self) -> &'a [u8] {
        &self.quoted[1..self.quoted.len() - 1]
    }

    /// The bytes it means. A string with an invalid escape is given as it stands.
    #[inline]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped
            && let Some(text) = self.unescaped()
        {
            return Cow::Owned(text.into_bytes());
        }
        Cow::Borrowed(self.raw())
    }

    /// The text it means; `None` when it is not Unicode.
    pub fn decode(&self) -> Option<Cow<'a, str>> {
        if self.escaped {
            return self.unescaped().map(Cow::Owned);
        }
        std::str::from_utf8(self.raw()).ok().map(Cow::Borrowed)
    }

    #[cold]
    fn unescaped(&self) -> Option<String> {
        serde_json::from_slice(self.quoted).ok()
    }
}
