//! Which call a method and a path make.
//!
//! Must not know: headers, bodies, or whether the model exists.

use crate::types::{Dialect, Operation};
use http::Method;

/// The dialect and the operation of a request line. One slash at the end of the path is
/// overlooked; every path below `/v1/` is taken for OpenAI's.
pub fn recognise(method: &Method, path: &str) -> (Dialect, Operation) {
    let Some(call) = path.strip_prefix("/v1/") else {
        return (Dialect::Generic, Operation::PassThrough);
    };
    let call = call.strip_suffix('/').unwrap_or(call);
    let operation = if *method == Method::POST {
        posted(call)
    } else if *method == Method::GET || *method == Method::HEAD {
        asked_for(call)
    } else {
        Operation::PassThrough
    };
    (Dialect::OpenAi, operation)
}

fn posted(call: &str) -> Operation {
    match call {
        "chat/completions" => Operation::Chat,
        "completions" => Operation::TextCompletion,
        "embeddings" => Operation::Embeddings,
        _ => Operation::PassThrough,
    }
}

/// Ids of models may hold slashes, as in `meta-llama/Llama-3.1-8B`.
fn asked_for(call: &str) -> Operation {
    let is_model = call.strip_prefix("models/").is_some_and(|id| !id.is_empty());
    if call == "models" || is_model { Operation::Models } else { Operation::PassThrough }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_recognised_by_method_and_path() {
        use Dialect::{Generic, OpenAi};
        use Operation::{Chat, Embeddings, Models, PassThrough, TextCompletion};
        let cases = [
            ("POST", "/v1/chat/completions", OpenAi, Chat),
            ("POST", "/v1/chat/completions/", OpenAi, Chat),
            ("POST", "/v1/chat/completions//", OpenAi, PassThrough),
            ("POST", "/v1/completions", OpenAi, TextCompletion),
            ("POST", "/v1/embeddings", OpenAi, Embeddings),
            ("GET", "/v1/chat/completions", OpenAi, PassThrough),
            ("POST", "/v1/chat/completionsx", OpenAi, PassThrough),
            ("POST", "/V1/chat/completions", Generic, PassThrough),
            ("GET", "/v1/models", OpenAi, Models),
            ("HEAD", "/v1/models/", OpenAi, Models),
            ("GET", "/v1/models/gpt-4o", OpenAi, Models),
            ("GET", "/v1/models/meta/llama-3%208b/", OpenAi, Models),
            ("GET", "/v1/modelsx", OpenAi, PassThrough),
            ("POST", "/v1/models", OpenAi, PassThrough),
            ("DELETE", "/v1/models/mine", OpenAi, PassThrough),
            ("POST", "/v1/responses", OpenAi, PassThrough),
            ("GET", "/v1", Generic, PassThrough),
            ("GET", "/", Generic, PassThrough),
            ("POST", "/predictions/resnet", Generic, PassThrough),
            ("POST", "/api/chat", Generic, PassThrough),
        ];
        for (method, path, dialect, operation) in cases {
            let method: Method = method.parse().unwrap();
            assert_eq!(recognise(&method, path), (dialect, operation), "{method} {path}");
        }
    }
}
