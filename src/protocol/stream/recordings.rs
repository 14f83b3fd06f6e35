//! Streams as servers send them, shortened.

use crate::types::{Operation, StreamEnd};

/// A stream and what it says.
pub struct Recording {
    pub name: &'static str,
    pub operation: Operation,
    /// Its events, with comments and their line ends.
    pub blocks: &'static [&'static str],
    /// Which of them is there for `include_usage` alone.
    pub usage_block: Option<usize>,
    pub model: Option<&'static str>,
    /// Prompt and completion tokens.
    pub usage: Option<(u64, u64)>,
    pub end: StreamEnd,
    pub finished: bool,
    pub events: u64,
    pub output_bytes: u64,
    /// Complete events that hold generated output.
    pub generated: usize,
}

impl Recording {
    /// The stream.
    pub fn text(&self) -> String {
        self.blocks.concat()
    }

    /// The stream without the block that is there for `include_usage` alone.
    pub fn stripped(&self) -> String {
        let blocks = self.blocks.iter().enumerate();
        blocks.filter(|(at, _)| Some(*at) != self.usage_block).map(|(_, block)| *block).collect()
    }
}

/// Every one is whole, but for those that say otherwise.
pub const RECORDINGS: [Recording; 9] = [
    Recording {
        name: "OpenAI with include_usage",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" é😀\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n",
            "data: [DONE]\n\n",
        ],
        usage_block: Some(4),
        model: Some("gpt-4o-mini-2024-07-18"),
        usage: Some((9, 3)),
        end: StreamEnd::Terminated,
        finished: true,
        events: 6,
        output_bytes: 12,
        generated: 2,
    },
    Recording {
        name: "text that looks like the protocol",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"data: [DONE]\\n\\ndata: {\\\"choices\\\":[],\\\"usage\\\":{\\\"prompt_tokens\\\":1}}\"}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"\\\",\\\"error\\\":{\\\"finish_reason\\\":\\\"stop\\\"}\"}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[],\"prompt_filter_results\":[{\"usage\":{\"prompt_tokens\":1}}]}\n\n",
        ],
        usage_block: None,
        model: Some("m"),
        usage: None,
        end: StreamEnd::Open,
        finished: false,
        events: 3,
        output_bytes: 111,
        generated: 2,
    },
    Recording {
        name: "llama.cpp with CRLF and pings",
        operation: Operation::Chat,
        blocks: &[
            ": ping\r\n\r\n",
            "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}],\"created\":1,\"id\":\"chatcmpl-2\",\"model\":\"qwen2.5-0.5b\",\"object\":\"chat.completion.chunk\"}\r\n\r\n",
            ":\r\n\r\n",
            "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"model\":\"qwen2.5-0.5b\"}\r\n\r\n",
            "data: {\"choices\":[{\"finish_reason\":\"length\",\"index\":0,\"delta\":{}}],\"model\":\"qwen2.5-0.5b\"}\r\n\r\n",
            "data: {\"choices\":[],\"model\":\"qwen2.5-0.5b\",\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":30,\"total_tokens\":32},\"timings\":{\"prompt_n\":30,\"predicted_per_second\":51.5}}\r\n\r\n",
            "data: [DONE]\r\n\r\n",
        ],
        usage_block: Some(5),
        model: Some("qwen2.5-0.5b"),
        usage: Some((30, 2)),
        end: StreamEnd::Terminated,
        finished: true,
        events: 5,
        output_bytes: 2,
        generated: 1,
    },
    Recording {
        name: "vLLM with reasoning and running usage",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"id\":\"c\",\"model\":\"Qwen/Qwen3-8B\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":null},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":12,\"total_tokens\":12,\"completion_tokens\":0}}\n\n",
            "data: {\"id\":\"c\",\"model\":\"Qwen/Qwen3-8B\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"Hmm\",\"reasoning_content\":\"Hmm\"},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":12,\"total_tokens\":13,\"completion_tokens\":1}}\n\n",
            "data: {\"id\":\"c\",\"model\":\"Qwen/Qwen3-8B\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"42\"},\"finish_reason\":\"stop\",\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":12,\"total_tokens\":14,\"completion_tokens\":2}}\n\n",
            "data: {\"id\":\"c\",\"model\":\"Qwen/Qwen3-8B\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"total_tokens\":15,\"completion_tokens\":3}}\n\n",
            "data: [DONE]\n\n",
        ],
        usage_block: Some(3),
        model: Some("Qwen/Qwen3-8B"),
        usage: Some((12, 3)),
        end: StreamEnd::Terminated,
        finished: true,
        events: 5,
        output_bytes: 5,
        generated: 2,
    },
    Recording {
        name: "tool calls",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
            "data: [DONE]\n\n",
        ],
        usage_block: None,
        model: Some("m"),
        usage: None,
        end: StreamEnd::Terminated,
        finished: true,
        events: 6,
        output_bytes: 10,
        generated: 2,
    },
    Recording {
        name: "text completion without [DONE], its last empty line missing",
        operation: Operation::TextCompletion,
        blocks: &[
            "data: {\"object\":\"text_completion\",\"model\":\"t\",\"choices\":[{\"text\":\"\",\"finish_reason\":null}]}\n\n",
            "data: {\"object\":\"text_completion\",\"model\":\"t\",\"choices\":[{\"text\":\"abc\",\"finish_reason\":\"\"}]}\n\n",
            "data: {\"object\":\"text_completion\",\"model\":\"t\",\"choices\":[{\"text\":\"d\",\"finish_reason\":\"stop\"}]}\n",
        ],
        usage_block: None,
        model: Some("t"),
        usage: None,
        end: StreamEnd::Open,
        finished: true,
        events: 3,
        output_bytes: 4,
        generated: 1,
    },
    Recording {
        name: "an error, then [DONE]",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"error\":null}\n\n",
            "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"code\":500}}\n\n",
            "data: [DONE]\n\n",
        ],
        usage_block: None,
        model: Some("m"),
        usage: None,
        end: StreamEnd::ErrorEvent,
        finished: false,
        events: 3,
        output_bytes: 1,
        generated: 1,
    },
    Recording {
        name: "CR alone, data in two lines, a comment within",
        operation: Operation::Chat,
        blocks: &[
            "data: {\"model\":\"m\",\rdata: \"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"ab\"}]}}]}\r\r",
            "id: 1\r: note\rdata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\r\r",
            "data: [DONE]\r\r",
        ],
        usage_block: Some(1),
        model: Some("m"),
        usage: Some((1, 1)),
        end: StreamEnd::Terminated,
        finished: false,
        events: 3,
        output_bytes: 2,
        generated: 1,
    },
    Recording {
        name: "cut in an event",
        operation: Operation::Chat,
        blocks: &[
            "\u{feff}data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"b",
        ],
        usage_block: None,
        model: Some("m"),
        usage: None,
        end: StreamEnd::Open,
        finished: false,
        events: 1,
        output_bytes: 1,
        generated: 1,
    },
];
