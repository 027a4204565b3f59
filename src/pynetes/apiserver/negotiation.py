"""Content negotiation: which codec an answer is written with, and whether it is transformed on the way.

`Accept` is parsed once per distinct header. A codec is one entry of `encoding.CODECS`; what a client may ask an answer
to be turned into (`as=Table;v=v1;g=meta.k8s.io`) is checked against what the endpoint allows.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError, not_acceptable, unsupported_media_type
from pynetes.apiserver.encoding import CODECS, INPUT_TYPES, JSON, PROTOBUF, YAML, Codec
from pynetes.apiserver.http import Request
from pynetes.component.memo import remembered
from pynetes.component.serving import wants_pretty

_META_VERSIONS = ("v1", "v1beta1")
_PARTIAL = ("PartialObjectMetadata", "PartialObjectMetadataList")


class Transform(Struct, frozen=True):
    """What an answer is to be turned into."""

    kind: str
    group: str
    version: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"


class MediaType(Struct, frozen=True):
    """The outcome: a codec, how to print, and the transformation asked for."""

    codec: Codec
    pretty: bool = False
    transform: Transform | None = None
    profile: str = ""

    @property
    def plain(self) -> bool:
        """Stored bytes can be sent as they are."""
        return self.codec is JSON and not self.pretty and self.transform is None


class _Clause(Struct, frozen=True):
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


def accept_discovery(media: Codec, transform: Transform | None) -> bool:
    """The restriction of /api and /apis, which also know the aggregated form."""
    if transform is None:
        return True
    wanted = (transform.kind, transform.group, transform.version)
    return wanted == ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2")


class _Family(Struct, frozen=True):
    """Endpoints that negotiate alike. `routed`: the original's router looks at the types before they do."""

    allows: Callable[[Codec, Transform | None], bool]
    routed: bool = True


_FAMILIES = {
    "objects": _Family(accept_objects),
    "custom": _Family(accept_custom, routed=False),
    "reviews": _Family(accept_reviews),
    "plain": _Family(accept_plain),
    "discovery": _Family(accept_discovery),
    "groups": _Family(accept_discovery, routed=False),
    "group": _Family(accept_plain, routed=False),
    "errors": _Family(accept_plain, routed=False),
}


def negotiate(request: Request, family: str = "objects", *, stream: bool = False) -> MediaType:
    """The media type of the answer, or of a watch's (`stream`); StatusError 406 if none is acceptable."""
    header = request.headers.get("Accept", "")
    listed = request.info is not None and request.info.verb in ("list", "watch")
    found = _negotiate(header, family, listed)
    if found is None:
        raise _refusal(header, family, listed)
    if stream and found.codec is YAML:
        raise not_acceptable(_STREAMS)
    if _wants_pretty(request):
        return MediaType(found.codec, True, found.transform, found.profile)
    return found


def require(request: Request, *types: str) -> None:
    """StatusError 406 unless one of the types is acceptable by the rules of the original's router."""
    if not is_routed(request.headers.get("Accept", ""), types):
        raise _unrouted(types)


def choose(request: Request, types: Sequence[str]) -> str | None:
    """Of documents that come in some types, the one that is wanted most."""
    for clause in _parse_accept(request.headers.get("Accept", "") or "*/*"):
        for each in types:
            if _matches(clause, each):
                return each
    return None


@remembered(1024)
def is_routed(header: str, produced: Sequence[str]) -> bool:
    """Whether the original's router goes on with this `Accept`: it looks at whole types, and at nothing behind them."""
    types = [part.partition(";")[0].strip() for part in header.split(",")] if header else ["*/*"]
    return any(each == "*/*" or each in produced for each in types)


def _unrouted(types: Sequence[str]) -> StatusError:
    text = "406: Not Acceptable\n\nAvailable representations: " + ", ".join(types)
    return StatusError(406, "NotAcceptable", text, {})


def _refusal(header: str, family: str, listed: bool) -> StatusError:
    """Upstream's router looks at the types alone, its codecs at what comes with them: each has a message of its own."""
    produced = _produced(listed)
    if _FAMILIES[family].routed and not is_routed(header, produced):
        return _unrouted(produced)
    return not_acceptable(CODECS)


_STREAMS = (f"{JSON.media_type};stream=watch", PROTOBUF.watch_type)


def _produced(listed: bool) -> tuple[str, ...]:
    return (*CODECS, *_STREAMS) if listed else tuple(CODECS)


def _wants_pretty(request: Request) -> bool:
    return wants_pretty(request.param("pretty") if request.query else "", request.headers.get("User-Agent", ""))


@remembered(1024)
def _negotiate(header: str, name: str, listed: bool) -> MediaType | None:
    if not header:
        return MediaType(JSON)
    family = _FAMILIES[name]
    if family.routed and not is_routed(header, _produced(listed)):
        return None
    for clause in _parse_accept(header):
        for codec in CODECS.values():
            if not _matches(clause, codec.media_type):
                continue
            media = _with_params(codec, dict(clause.params))
            if media is not None and family.allows(codec, media.transform):
                return media
    return None


def _matches(clause: _Clause, media_type: str) -> bool:
    kind, _, sub = media_type.partition("/")
    return (clause.type == kind and clause.subtype in (sub, "*")) or clause.type == clause.subtype == "*"


def _with_params(codec: Codec, params: dict[str, str]) -> MediaType | None:
    if params.get("stream", "") not in ("", "watch") or ("stream" in params and codec is YAML):
        return None
    transform = None
    if params.keys() & {"as", "g", "v"}:
        transform = Transform(params.get("as", ""), params.get("g", ""), params.get("v", ""))
    return MediaType(codec, params.get("pretty") == "1", transform, params.get("profile", ""))


def _parse_accept(header: str) -> list[_Clause]:
    """Clauses, the best first, as upstream sorts them: by quality, or what names a type before what does not."""
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
    for last in range(1, len(clauses)):  # no order that a sort could rest on: its steps are what counts
        for at in range(last, 0, -1):
            if not _is_before(clauses[at], clauses[at - 1]):
                break
            clauses[at - 1], clauses[at] = clauses[at], clauses[at - 1]
    return clauses


def _is_before(one: _Clause, other: _Clause) -> bool:
    return (
        one.quality > other.quality
        or (one.type != "*" and other.type == "*")
        or (one.subtype != "*" and other.subtype == "*")
    )


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


@remembered(256)
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
