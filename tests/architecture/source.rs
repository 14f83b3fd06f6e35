//! A Rust file as the rules see it: its tokens with their lines, comments and literals left
//! out, and the paths it mentions.
//!
//! Must not know: which paths or words are allowed.

/// One file of Rust.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    tokens: Vec<Token>,
}

/// A word, a `::`, a lifetime, or a single other character.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// As written.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// A path from the root of the crate, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `module` or `module::item`.
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Source {
    /// Reads `text` as the file at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), tokens: tokens(text) }
    }

    /// The tokens in order.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the tokens from `at` on begin with `words`.
    pub(crate) fn reads(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.word(at + offset) == *word)
    }

    /// The token at `at`, empty beyond the end.
    pub(crate) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// The modules that hold this file's items: `src/a/b.rs` is `[a, b]`.
    pub(crate) fn modules(&self) -> Vec<&str> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inner = inner.strip_suffix(".rs").unwrap_or(inner);
        let mut modules: Vec<_> = inner.split('/').collect();
        if matches!(modules.last(), Some(&("mod" | "lib"))) {
            modules.pop();
        }
        modules
    }

    /// Every path into the crate: `crate::…`, and `super::…` that leaves its own module.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        let (mut depth, mut inline) = (0_usize, Vec::new());
        for at in 0..self.tokens.len() {
            let continues = at > 0 && self.word(at - 1) == "::";
            match self.word(at) {
                "{" => {
                    depth += 1;
                    if at >= 2 && self.word(at - 2) == "mod" {
                        inline.push((depth, self.word(at - 1)));
                    }
                }
                "}" => {
                    inline.retain(|(opened, _)| *opened != depth);
                    depth = depth.saturating_sub(1);
                }
                "crate" if self.word(at + 1) == "::" => {
                    self.expand(at + 2, &[], &mut found);
                }
                "super" if !continues => {
                    let mut base = self.modules();
                    base.extend(inline.iter().map(|(_, name)| *name));
                    self.climb(at, base, &mut found);
                }
                _ => {}
            }
        }
        found
    }

    fn climb<'s>(&'s self, mut at: usize, mut base: Vec<&'s str>, found: &mut Vec<Reference>) {
        while self.reads(at, &["super", "::"]) {
            base.pop();
            at += 2;
        }
        self.expand(at, &base, found);
    }

    /// Adds the paths of the use tree at `at` below `prefix`; gives the index after it.
    fn expand(&self, mut at: usize, prefix: &[&str], found: &mut Vec<Reference>) -> usize {
        if self.word(at) == "{" {
            at += 1;
            while !matches!(self.word(at), "}" | "") {
                at = self.expand(at, prefix, found);
                while !matches!(self.word(at), "," | "}" | "") {
                    at += 1;
                }
                at += usize::from(self.word(at) == ",");
            }
            return at + 1;
        }
        let mut path = prefix.to_vec();
        path.push(self.word(at));
        if self.word(at + 1) == "::" && self.word(at + 2) != "<" {
            return self.expand(at + 2, &path, found);
        }
        path.truncate(2);
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        found.push(Reference { path: path.join("::"), line });
        at + 1
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let (mut rest, mut line, mut tokens) = (text, 1, Vec::new());
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (block_comment(rest), false),
            '\'' => quote(rest),
            _ if literal(rest).is_some() => (literal(rest).unwrap_or(1), false),
            _ if is_word(first) => (word(rest), true),
            _ if rest.starts_with("::") => (2, true),
            _ => (first.len_utf8(), !first.is_whitespace()),
        };
        let (token, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text: token.to_owned(), line });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn word(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

/// Block comments nest (Rust reference, "Comments").
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(next) = rest[at..].find("/*").into_iter().chain(rest[at..].find("*/")).min() {
        at += next;
        depth = if rest[at..].starts_with("/*") { depth + 1 } else { depth - 1 };
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// A character literal, or a lifetime, which is a token.
fn quote(rest: &str) -> (usize, bool) {
    let inner = &rest[1..];
    let mut characters = inner.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), Some(escaped)) => {
            let begin = 2 + escaped.len_utf8();
            (rest[begin..].find('\'').map_or(rest.len(), |end| begin + end + 1), false)
        }
        (Some(character), Some('\'')) => (character.len_utf8() + 2, false),
        _ => (1 + word(inner), true),
    }
}

/// The length of the string literal that `rest` begins with: plain, byte, C or raw.
fn literal(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|p| rest.strip_prefix(p).is_some_and(|after| after.starts_with(['"', '#'])))?;
    let after = &rest[prefix.len()..];
    if !prefix.ends_with('r') {
        return after.starts_with('"').then(|| prefix.len() + escaped_string(after));
    }
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(prefix.len() + hashes + 1 + length)
}

fn escaped_string(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let tokens = tokens(text);
        tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn paths(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).references().into_iter().map(|found| found.path).collect()
    }

    #[test]
    fn comments_and_literals_are_no_tokens() {
        assert_eq!(words("a /* b /* c */ d */ e // f\n g"), "a e g");
        assert_eq!(
            words(r##"a("b \" c", r#"d " e"#, b"f", br"g", c"h", 'i', '\'', '\n', b'j')"##),
            "a ( , , , , , , , , b )"
        );
        assert_eq!(words("fn f<'a>(x: &'static str) {}"), "fn f < 'a > ( x : & 'static str ) { }");
        assert_eq!(words("r#type 0..9 x::y"), "r # type 0 . . 9 x :: y");
    }

    #[test]
    fn a_token_knows_its_line() {
        let found = tokens("a\n\"two\nlines\"\n/* and\n two */ b");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn use_trees_are_unfolded() {
        let text = "use crate::{a::{self, B}, c as d, e::*}; fn f() { crate::g::h::<u8>(i); }";
        assert_eq!(paths("src/x.rs", text), ["a::self", "a::B", "c", "e::*", "g::h"]);
    }

    #[test]
    fn super_is_followed_out_of_the_module() {
        let text = "use super::y; use super::super::z::Z; mod m { use super::super::k; }";
        assert_eq!(paths("src/x/w.rs", text), ["x::y", "z::Z", "x::k"]);
        assert_eq!(paths("src/x/mod.rs", "use super::y::Y;"), ["y::Y"]);
    }
}
