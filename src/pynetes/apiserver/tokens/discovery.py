"""OIDC discovery of the service account issuer, so that others can verify our tokens."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from pynetes.apiserver.http import Request, Response
from pynetes.apiserver.negotiation import require
from pynetes.apiserver.tokens.keys import Keys

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/openid/v1/jwks"


def configuration(issuer: str, keys_uri: str, keys: Keys) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": keys_uri,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted({key.algorithm for key in keys.keys}),
    }


def key_set(keys: Keys) -> dict[str, Any]:
    return {"keys": [key.jwk() for key in keys.keys]}


def handlers(issuer: str, keys_uri: str, keys: Keys) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """What to serve at which path. `keys_uri` is where clients find the key set (`https://ADDRESS/openid/v1/jwks`)."""
    return {
        CONFIGURATION_PATH: _document(keys, lambda: configuration(issuer, keys_uri, keys), "application/json"),
        KEYS_PATH: _document(keys, lambda: key_set(keys), "application/jwk-set+json"),
    }


def _document(
    keys: Keys, content: Callable[[], dict[str, Any]], content_type: str
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        require(request, content_type)
        headers = {"Cache-Control": f"public, max-age={keys.max_age}"}
        return Response(200, orjson.dumps(content()), content_type, headers)

    return serve
