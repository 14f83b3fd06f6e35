//! The forms that requests to models have.
//!
//! Must not know: what is read out of them, or made up in them.

use crate::types::Operation;

/// What a body looks like, by the path it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's completions.
    Completion,
    /// OpenAI's embeddings.
    Embeddings,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
}

impl Form {
    /// By the end of a path, which may have a query: gateways put their own before it, as in
    /// `/openai/deployments/x/chat/completions?api-version=…`.
    pub fn of(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let mut segments = path.rsplit('/');
        match (segments.next()?, segments.next()?) {
            ("completions", "chat") => Some(Self::Chat),
            ("completions", _) => Some(Self::Completion),
            ("embeddings", _) => Some(Self::Embeddings),
            ("responses", _) => Some(Self::Responses),
            ("messages", _) => Some(Self::Messages),
            _ => None,
        }
    }

    /// By what is to be done, where a capture has no path.
    pub const fn of_operation(operation: Operation) -> Option<Self> {
        match operation {
            Operation::Chat => Some(Self::Chat),
            Operation::TextCompletion => Some(Self::Completion),
            Operation::Embeddings => Some(Self::Embeddings),
            Operation::Models | Operation::PassThrough => None,
        }
    }

    /// Whether its messages are the turns of one conversation.
    pub const fn is_conversation(self) -> bool {
        matches!(self, Self::Chat | Self::Responses | Self::Messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_known_by_the_end_of_the_path() {
        let cases = [
            ("/v1/chat/completions", Some(Form::Chat)),
            ("/openai/deployments/x/chat/completions?api-version=1", Some(Form::Chat)),
            ("/v1/completions/", Some(Form::Completion)),
            ("/v1/embeddings", Some(Form::Embeddings)),
            ("/v1/responses", Some(Form::Responses)),
            ("/anthropic/v1/messages?beta=true", Some(Form::Messages)),
            ("/v1/messages/count_tokens", None),
            ("/v1/responses/resp_1", None),
            ("messages", None),
            ("", None),
        ];
        for (path, form) in cases {
            assert_eq!(Form::of(path), form, "{path}");
        }
    }
}
