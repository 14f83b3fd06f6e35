"""Made-up secrets of every kind that is to be found, written as those who hand them out write
them. None of them opens anything.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DIGITS = string.digits
_HEX = "0123456789abcdef"
_ALNUM = string.ascii_letters + string.digits
_WORD = _ALNUM + "_-"
_BASE32 = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Secret:
    """A secret as it is given away."""

    kind: str
    said: str
    """The secret, and what tells that it is one."""
    hidden: str
    """The secret alone."""

    @property
    def sentence(self) -> str:
        """What somebody says who gives it away."""
        return f"This is the {self.kind}: {self.said} and no more."

    @property
    def traces(self) -> list[str]:
        """What must not be found of it: no line as a whole, nor half of one that is long."""
        lines = [line for line in self.hidden.splitlines() if not line.startswith("-----")]
        longest = max(lines, key=len)
        half = len(longest) // 2
        return [*lines, *([longest[:half], longest[half:]] if half >= 12 else [])]


_FORMS: dict[str, tuple[str, str, int]] = {
    "openai project": ("sk-proj-", _WORD, 120),
    "openai": ("sk-", _ALNUM, 48),
    "openai service account": ("sk-svcacct-", _WORD, 60),
    "openai session": ("sess-", _ALNUM, 40),
    "anthropic": ("sk-ant-api03-", _WORD, 95),
    "openrouter": ("sk-or-v1-", _HEX, 64),
    "langfuse": ("sk-lf-", _HEX, 32),
    "groq": ("gsk_", _ALNUM, 52),
    "xai": ("xai-", _ALNUM, 80),
    "perplexity": ("pplx-", _ALNUM, 48),
    "nvidia": ("nvapi-", _WORD, 64),
    "hugging face": ("hf_", _ALNUM, 34),
    "replicate": ("r8_", _ALNUM, 37),
    "fireworks": ("fw_", _ALNUM, 24),
    "cerebras": ("csk-", _ALNUM, 48),
    "mailgun": ("key-", _HEX, 32),
    "tavily": ("tvly-", _ALNUM, 32),
    "pinecone": ("pcsk_", _WORD, 70),
    "langsmith": ("lsv2_pt_", _HEX + "_", 43),
    "databricks": ("dapi", _HEX, 32),
    "aws": ("AKIA", _BASE32, 16),
    "aws temporary": ("ASIA", _BASE32, 16),
    "bedrock": ("ABSK", _ALNUM + "+/=", 128),
    "google": ("AIza", _WORD, 35),
    "google oauth": ("ya29.", _WORD, 100),
    "google client": ("GOCSPX-", _WORD, 28),
    "digitalocean": ("dop_v1_", _HEX, 64),
    "alibaba": ("LTAI", _ALNUM, 20),
    "github": ("ghp_", _ALNUM, 36),
    "github fine-grained": ("github_pat_", _ALNUM + "_", 82),
    "gitlab": ("glpat-", _WORD, 20),
    "npm": ("npm_", _ALNUM, 36),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", _WORD, 150),
    "docker": ("dckr_pat_", _WORD, 27),
    "atlassian": ("ATATT3xFfGF0", _WORD, 170),
    "linear": ("lin_api_", _ALNUM, 40),
    "slack": ("xoxb-", _DIGITS, 24),
    "slack app": ("xapp-1-", _ALNUM + "-", 60),
    "telegram": (f"{'7' * 10}:AA", _WORD, 33),
    "stripe": ("sk_live_", _ALNUM, 24),
    "stripe webhook": ("whsec_", _ALNUM, 32),
    "square": ("sq0atp-", _WORD, 22),
    "shopify": ("shpat_", _HEX, 32),
    "vault": ("hvs.", _WORD, 90),
    "doppler": ("dp.pt.", _ALNUM, 43),
    "supabase": ("sbp_", _HEX, 40),
    "grafana": ("glsa_", _ALNUM, 32),
    "new relic": ("NRAK-", string.ascii_uppercase + _DIGITS, 27),
    "notion": ("ntn_", _ALNUM, 46),
    "age": ("AGE-SECRET-KEY-1", string.ascii_uppercase + _DIGITS, 58),
}
"""By who hands it out: how it begins, what follows, and how much of it."""

_PERSONS = {
    "e-mail": "jane.canary@example.com",
    "e-mail of a tag": "j.canary+spam@mail.example.co.uk",
    "telephone": "+49 30 90182 0471",
    "telephone of the USA": "(415) 555-0132",
    "card": "4111 1111 1111 1111",
    "card without gaps": "5555555555554444",
    "card of fifteen": "3782-822463-10005",
    "iban": "DE89 3704 0044 0532 0130 00",
    "iban without gaps": "GB29NWBK60161331926819",
}

_AROUND = {
    "key of a name": 'AZURE_OPENAI_API_KEY="%s"',
    "key of a member": '{"client_secret": "%s"}',
    "key of a header": "Authorization: Bearer %s",
    "password of a URL": "postgres://canary:%s@db.example.com/x",
    "webhook": "https://hooks.slack.com/services/T00000000/B00000000/%s",
}
"""What tells that what stands in it is a secret."""


def secrets() -> list[Secret]:
    """One of each kind; the same every time."""
    chance = random.Random(7)

    def drawn(letters: str, count: int) -> str:
        # Punctuation at its end would be that of the sentence.
        last = [letter for letter in letters if letter.isalnum()]
        return "".join(chance.choices(letters, k=count - 1)) + chance.choice(last)

    def all() -> Iterator[Secret]:
        for kind, (begin, rest, count) in _FORMS.items():
            key = begin + drawn(rest, count)
            yield Secret(kind, key, key)
        for kind, secret in _PERSONS.items():
            yield Secret(kind, secret, secret)
        for kind, around in _AROUND.items():
            key = drawn(_ALNUM, 39) + "7"
            yield Secret(kind, around % key, key)
        head, claims = ({"alg": "HS256", "typ": "JWT"}, {"sub": "canary", "iat": 1516239022})
        jwt = f"{_base64(head)}.{_base64(claims)}.{drawn(_WORD, 43)}"
        yield Secret("web token", jwt, jwt)
        lines = "\n".join(drawn(_ALNUM + "+/", 64) for _ in range(4))
        pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
        yield Secret("private key", pem, pem)

    return list(all())


def _base64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
