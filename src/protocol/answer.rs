//! What a plain JSON answer says.
//!
//! Reads the few members that matter and passes over the rest: embeddings of megabytes,
//! texts of any length. Must not know: the status it came with.

use crate::protocol::choices::{ChoiceCount, Finish};
use crate::protocol::chunk::read_finish;
use crate::protocol::json::{Cursor, Kind, Step};
use crate::protocol::text::clean_text;
use crate::protocol::usage::read_usage;
use crate::types::{Operation, Usage};

/// Longest name of a model that is kept, in characters.
const MAX_MODEL_CHARS: usize = 256;

/// The members that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The tokens, as the upstream counted them.
    pub usage: Option<Usage>,
    /// The model that answered, cleaned and cut at 256 characters.
    pub model: Option<String>,
    /// Whether it has an `error` that is not null.
    pub has_error: bool,
    /// Its choices, and how many of them came to their end.
    pub choices: ChoiceCount,
    /// Whether it is a JSON object to its last byte, as far as was looked.
    pub is_well_formed: bool,
}

/// Reads an answer. One that is no JSON object, or a broken one, says what could be read.
pub fn read_answer(operation: Operation, body: &[u8]) -> AnswerFacts {
    let mut facts = AnswerFacts::default();
    let mut cursor = Cursor::new(body);
    let walked = cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"usage" => facts.usage = read_usage(cursor)?.or(facts.usage),
            b"model" => {
                let model = cursor.text()?.and_then(|model| model.decode());
                facts.model = model.map(|model| clean_text(&model, MAX_MODEL_CHARS));
            }
            b"error" => {
                facts.has_error |= cursor.kind()? != Kind::Null;
                cursor.skip()?;
            }
            b"choices" => cursor.elements(|cursor| {
                facts.choices.count(choice_finish(cursor)?);
                Ok(())
            })?,
            _ => cursor.skip()?,
        }
        Ok(())
    });
    // A broken answer is its reader's to complain about; what was found is true.
    facts.is_well_formed =
        walked.and_then(|()| cursor.end()).is_ok() && body.trim_ascii_start().starts_with(b"{");
    if let (Operation::Embeddings, Some(usage)) = (operation, &mut facts.usage) {
        // Some servers report a completion of an embedding; nothing is generated.
        usage.output = 0;
    }
    facts
}

fn choice_finish(cursor: &mut Cursor<'_>) -> Step<Finish> {
    let mut finish = Finish::None;
    cursor.members(|cursor, name| {
        match &*name.bytes() {
            b"finish_reason" => finish = read_finish(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(finish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UsageSource;

    fn usage(input: u64, output: u64) -> Option<Usage> {
        Some(Usage { input, output, source: UsageSource::Upstream })
    }

    #[test]
    fn usage_and_model_are_found_whatever_stands_around_them() {
        let body = br#" {"id":"x","choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":1} }]"}}],
            "model":"m\u00e9\u001b","usage":{"prompt_tokens":12,"completion_tokens":34,
            "prompt_tokens_details":{"cached_tokens":5}},"error":null}"#;
        let facts = read_answer(Operation::Chat, body);
        let expected = AnswerFacts {
            usage: usage(12, 34),
            model: Some("mé".into()),
            has_error: false,
            choices: ChoiceCount { seen: 1, finished: 0 },
            is_well_formed: true,
        };
        assert_eq!(facts, expected);
    }

    #[test]
    fn embeddings_generate_nothing() {
        let numbers = "0.0123,-4.5e-3,".repeat(10_000);
        let body = format!(
            "{{\"data\":[{{\"embedding\":[{}1]}}],\"model\":\"e\",\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":7,\"total_tokens\":7}}}}",
            numbers
        );
        assert_eq!(read_answer(Operation::Embeddings, body.as_bytes()).usage, usage(7, 0));
    }

    #[test]
    fn an_error_is_seen_and_odd_types_are_borne() {
        let read = |body: &str| read_answer(Operation::Chat, body.as_bytes());
        assert!(read("{\"error\":{\"message\":\"no\"}}").has_error);
        assert!(read("{\"error\":\"no\"}").has_error);
        assert!(!read("{\"error\":null}").has_error);
        let nothing = AnswerFacts { is_well_formed: true, ..AnswerFacts::default() };
        assert_eq!(read("{\"usage\":null,\"model\":7}"), nothing);
        assert_eq!(
            read("{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1.5}}").usage,
            None
        );
        assert_eq!(read("{\"usage\":{\"prompt_tokens\":3}}").usage, usage(3, 0));
        for body in ["", "[]", "null", "<html>", "{\"usage\":{\"prompt_tokens\":3", "{\"a\":"] {
            assert_eq!(read(body), AnswerFacts::default(), "{body}");
        }
        assert_eq!(read("{\"model\":\"m\",\"usage\":").model.as_deref(), Some("m"));
    }

    #[test]
    fn choices_that_came_to_their_end_are_counted() {
        let choices = |choices: &str| {
            read_answer(Operation::Chat, format!("{{\"choices\":{choices}}}").as_bytes()).choices
        };
        let count = |seen, finished| ChoiceCount { seen, finished };
        assert_eq!(choices("[]"), count(0, 0));
        assert_eq!(choices("null"), count(0, 0));
        assert_eq!(
            choices(r#"[{"finish_reason":"stop"},{"index":1,"finish_reason":"length"}]"#),
            count(2, 2)
        );
        assert_eq!(choices(r#"[{"finish_reason":null},{"finish_reason":"stop"},{}]"#), count(3, 1));
        assert_eq!(choices(r#"[{"finish_reason":""},{"finish_reason":"abort"}]"#), count(2, 0));
        let inside = r#"[{"message":{"finish_reason":"stop"}},7]"#;
        assert_eq!(choices(inside), count(2, 0));
    }

    #[test]
    fn a_document_that_is_cut_or_followed_by_more_is_not_well_formed() {
        let read = |body: &str| read_answer(Operation::Chat, body.as_bytes()).is_well_formed;
        assert!(read(" {\"choices\":[{}]} \n"));
        for body in ["", "[]", "{\"choices\":[{}]", "{\"choices\":[{}", "{} {}", "{\"a\":1"] {
            assert!(!read(body), "{body}");
        }
    }
}
