"""What receivers of webhooks are sent, read by the library of the specification."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from processes import until
from servers import Proxy, Sim


class Receiver(HTTPServer):
    """Takes whatever comes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.received: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Taker(BaseHTTPRequestHandler):
    """Remembers a request."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()


def test_a_delivered_webhook_is_verified_by_the_official_library(
    program: Path, folder: Path
) -> None:
    """And by nobody who has another secret."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (folder / "webhook.secret").write_text(secret + "\n")
    sim, receiver = Sim(program, folder / "webhooks-sim"), Receiver()
    proxy = Proxy(program, folder / "webhooks", f"""\
[[upstream]]
name = "sim"
endpoints = ["{sim.origin}"]

[[webhook]]
name = "ops"
url = "http://127.0.0.1:{receiver.server_port}/hook"
secret_file = "{folder / "webhook.secret"}"
""")
    test = urllib.request.Request(
        f"{proxy.admin}/api/v1/webhooks/ops/test", b"{}", {"content-type": "application/json"}
    )
    with urllib.request.urlopen(test, timeout=5) as answer:
        assert answer.status == 202
    headers, body = until("the delivery", lambda: receiver.received[:1])[0]
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    assert json.loads(body)["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(bytes(32)).decode()).verify(body, headers)
    for process in (proxy.process, sim.process):
        process.stop()
    receiver.shutdown()
