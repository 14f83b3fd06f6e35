//! What a caller asks for: the dialect it speaks and the operation it wants.
//!
//! Must not know: how either is recognised on the wire (`protocol` does).

/// The wire language of a call; decides how bodies are read and how our own errors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's HTTP API, as served by vLLM, llama.cpp, Ollama, SGLang and others.
    OpenAi,
    /// Anything we do not understand: observed from outside, errors as `{code, message, data}`.
    Generic,
}

impl Dialect {
    /// The `gen_ai.provider.name` label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Generic => "_other",
        }
    }
}

/// What is done with the model. The labels are the GenAI semantic conventions'
/// `gen_ai.operation.name` values where one exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/completions`
    TextCompletion,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `GET /v1/models` and `GET /v1/models/{id}`, answered by Transom itself.
    Models,
    /// Every other path, forwarded as it is.
    PassThrough,
}

impl Operation {
    /// All operations, in the order of [`Operation::index`].
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::TextCompletion, Self::Embeddings, Self::Models, Self::PassThrough];

    /// Position in [`Operation::ALL`], for tables resolved once.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::Models => "models",
            Self::PassThrough => "pass_through",
        }
    }

    /// The `route` label: the path template, or a word where the path is a stranger's.
    pub const fn route(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::TextCompletion => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Models => "/v1/models",
            Self::PassThrough => "pass_through",
        }
    }

    /// Whether the call runs a model: these carry tokens, first-token times and streams.
    pub const fn is_inference(self) -> bool {
        matches!(self, Self::Chat | Self::TextCompletion | Self::Embeddings)
    }
}
