"""Content negotiation: which codec an answer is written with, and whether it is transformed on the way.

`Accept` is parsed once per distinct header. A codec is one entry of `encoding.CODECS`; what a client may ask an answer
to be turned into (`as=Table;v=v1;g=meta.k8s.io`) is checked against what the endpoint allows.
"""

from dataclasses import dataclass
from functools import lru_cache

from pynetes.apimachinery.errors import StatusError, not_acceptable, unsupported_media_type
from pynetes.apiserver.encoding import CODECS, INPUT_TYPES, JSON, Codec
from pynetes.apiserver.http import Request

_META_VERSIONS = ("v1", "v1beta1")
_PARTIAL = ("PartialObjectMetadata", "PartialObjectMetadataList")


@dataclass(frozen=True, slots=True)
class Transform:
    """What an answer is to be turned into."""

    kind: str
    group: str
    version: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"


@dataclass(frozen=True, slots=True)
class MediaType:
    """The outcome: a codec, how to print, and the transformation asked for."""

    codec: Codec
    pretty: bool = False
    transform: Transform | None = None
    profile: str = ""

    @property
    def plain(self) -> bool:
        """Stored bytes can be sent as they are."""
        return self.codec is JSON and not self.pretty and self.transform is None


@dataclass(frozen=True, slots=True)
class _Clause:
    type: str
    subtype: str
    quality: float
    params: tuple[tuple[str, str], ...]


def accept_objects(media: Codec, transform: Transform | None) -> bool:
    """The restriction of endpoints that serve resources."""
    if transform is None:
        return True
    if transform.group != "meta.k8s.io" or transform.version not in _META_VERSIONS:
        return False
    return transform.kind in _PARTIAL or (transform.kind == "Table" and media.text)


def accept_custom(media: Codec, transform: Transform | None) -> bool:
    """The restriction of kinds that have no message: protobuf carries no more than their metadata."""
    return accept_objects(media, transform) and (media.text or transform is not None)


def accept_reviews(media: Codec, transform: Transform | None) -> bool:
    """The restriction of kinds that are never stored: they have no columns, so no Table, and no lists."""
    return transform is None or (accept_objects(media, transform) and transform.kind == "PartialObjectMetadata")


def accept_plain(media: Codec, transform: Transform | None) -> bool:
    """The restriction of endpoints whose answers have one form only."""
    return transform is None


def accept_text(media: Codec, transform: Transform | None) -> bool:
    """The restriction of documents that are no objects."""
    return media.text and transform is None


def accept_discovery(media: Codec, transform: Transform | None) -> bool:
    """The restriction of /api and /apis, which also know the aggregated form."""
    if transform is None:
        return True
    wanted = (transform.kind, transform.group, transform.version)
    return media.text and wanted == ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2")


_RESTRICTIONS = {
    "objects": accept_objects,
    "custom": accept_custom,
    "reviews": accept_reviews,
    "plain": accept_plain,
    "text": accept_text,
    "discovery": accept_discovery,
}


def negotiate(request: Request, restriction: str = "objects") -> MediaType:
    """The media type of the answer; StatusError 406 if none is acceptable."""
    headers = request.headers
    found = _negotiate(headers.get("Accept", ""), restriction)
    if found is None:
        raise _refusal(request, headers.get("Accept", ""))
    if _wants_pretty(request):
        return MediaType(found.codec, True, found.transform, found.profile)
    return found


def _refusal(request: Request, header: str) -> StatusError:
    """Upstream's router looks at the types alone, its codecs at what comes with them: each has a message of its own."""
    types = [codec.media_type for codec in CODECS.values()]
    if any(_matches(clause, codec) for clause in _parse_accept(header) for codec in CODECS.values()):
        return not_acceptable(types)
    if request.info is not None and request.info.verb in ("list", "watch"):
        types.append(f"{JSON.media_type};stream=watch")
    message = "406: Not Acceptable\n\nAvailable representations: " + ", ".join(types)
    return StatusError(406, "NotAcceptable", message, {})


def _wants_pretty(request: Request) -> bool:
    if request.query and "pretty" in request.query:
        return request.query["pretty"][0].lower() in ("1", "t", "true")
    return request.headers.get("User-Agent", "").startswith(("curl", "Wget", "Mozilla/5.0"))


@lru_cache(1024)
def _negotiate(header: str, restriction: str) -> MediaType | None:
    if not header:
        return MediaType(JSON)
    allowed = _RESTRICTIONS[restriction]
    for clause in _parse_accept(header):
        for codec in CODECS.values():
            if not _matches(clause, codec):
                continue
            media = _with_params(codec, dict(clause.params))
            if media is not None and allowed(codec, media.transform):
                return media
    return None


def _matches(clause: _Clause, codec: Codec) -> bool:
    kind, _, sub = codec.media_type.partition("/")
    return (clause.type == kind and clause.subtype in (sub, "*")) or clause.type == clause.subtype == "*"


def _with_params(codec: Codec, params: dict[str, str]) -> MediaType | None:
    if params.get("stream", "") not in ("", "watch"):
        return None
    transform = None
    if params.keys() & {"as", "g", "v"}:
        transform = Transform(params.get("as", ""), params.get("g", ""), params.get("v", ""))
    return MediaType(codec, params.get("pretty") == "1", transform, params.get("profile", ""))


def _parse_accept(header: str) -> list[_Clause]:
    """Clauses, the best quality first; equal ones in the header's order."""
    clauses = []
    for part in header.split(","):
        media, *rest = part.split(";")
        kind, slash, sub = media.strip().partition("/")
        if not slash:
            if kind != "*":
                continue
            sub = "*"
        params, quality = [], 1.0
        for parameter in rest:
            name, equals, value = parameter.strip().partition("=")
            if name == "q":
                quality = _quality(value)
            elif equals:
                params.append((name.strip(), value.strip().strip('"')))
        clauses.append(_Clause(kind, sub, quality, tuple(params)))
    return sorted(clauses, key=lambda clause: -clause.quality)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


@lru_cache(256)
def _input_type(content_type: str) -> str | None:
    if not content_type:
        return JSON.media_type
    found = content_type.partition(";")[0].strip().lower()
    return found if found in INPUT_TYPES else None


def input_type(request: Request) -> str:
    """The media type of the request's body; StatusError 415 for one we do not speak."""
    found = _input_type(request.headers.get("Content-Type", ""))
    if found is None:
        raise unsupported_media_type(INPUT_TYPES)
    return found
