"""Continue tokens: upstream's form, and no way out of the list's prefix."""

import base64
import json

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.cacher import continuation

PREFIX = "/registry/core/pods/"


def token(**content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_token_comes_back_as_it_went() -> None:
    made = continuation.encode(PREFIX + "default/ä\0", PREFIX, 17)
    assert continuation.decode(made, PREFIX) == (PREFIX + "default/ä\0", 17)
    assert "=" not in made


def test_it_reads_the_original_s_tokens() -> None:
    theirs = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NTAwLCJzdGFydCI6ImRlZmF1bHQvYVx1MDAwMCJ9"
    assert continuation.decode(theirs, PREFIX) == (PREFIX + "default/a\0", 500)
    latest = token(v="meta.k8s.io/v1", rv=-1, start="a\0")
    assert continuation.decode(latest, PREFIX) == (PREFIX + "a\0", continuation.LATEST)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("!", "continue key is not valid"),
        ("abc", "continue key is not valid"),
        ("xx!", "illegal base64 data at input byte 2"),
        ("abcde", "illegal base64 data at input byte 4"),
        ("YQ==", "illegal base64 data at input byte 2"),
        (token(a=1), "server does not recognize this encoded version"),
        (token(v="meta.k8s.io/v2", rv=1, start="a"), "server does not recognize this encoded version meta.k8s.io/v2"),
        (token(v="meta.k8s.io/v1", rv=0, start="a"), "incorrect encoded start resourceVersion"),
        (token(v="meta.k8s.io/v1", rv="1", start="a"), "incorrect encoded start resourceVersion"),
        (token(v="meta.k8s.io/v1", rv=1), "encoded start key empty"),
        (token(v="meta.k8s.io/v1", rv=1, start="../secrets/a"), "continue key is not valid: ../secrets/a"),
        (token(v="meta.k8s.io/v1", rv=1, start="a/../../secrets/a"), "continue key is not valid"),
        (token(v="meta.k8s.io/v1", rv=1, start="a//b"), "continue key is not valid"),
    ],
)
def test_bad_tokens_are_a_bad_request(bad: str, message: str) -> None:
    with pytest.raises(StatusError, match="invalid continue token: continue key is not valid") as caught:
        continuation.decode(bad, PREFIX)
    assert caught.value.code == 400
    assert message in caught.value.message


def test_an_expired_token_offers_another() -> None:
    status = continuation.ContinueExpired("next").status()
    assert (status["code"], status["reason"], status["metadata"]) == (410, "Expired", {"continue": "next"})
    assert status["message"].startswith("The provided continue parameter is too old to display a consistent list")
