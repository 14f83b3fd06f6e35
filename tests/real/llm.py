"""A real model behind llama.cpp's own HTTP server: chat, completions and embeddings.

Run as a program: `python llm.py MODEL.gguf PORT`. Serves 127.0.0.1 until it is ended.
"""

import signal
import sys
from pathlib import Path

from xllamacpp import CommonParams, Server, llama_pooling_type

MODEL = "smollm2-135m"


def main(path: str, port: int) -> None:
    """Loads the model and serves it."""
    params = CommonParams()
    params.model.path = path
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 8192
    params.n_parallel = 4
    # One thread: two that share busy cores wait for each other.
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    params.chat_template = Path(__file__).with_name("chat_template.jinja").read_text()
    params.ui = False
    params.endpoint_metrics = True
    # One server answers both: pooling applies to /v1/embeddings alone.
    params.embedding = True
    params.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    _server = Server(params)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
