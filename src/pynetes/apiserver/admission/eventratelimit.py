"""EventRateLimit: how many events a second the server takes: in all, of a namespace, of a user, about one object."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from pynetes.apimachinery.errors import FieldError, StatusError, invalid_value, not_supported
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.configuration import Configurations, failure
from pynetes.client.ratelimiter import TokenBucket

Object = dict[str, Any]

_KINDS = (("eventratelimit.admission.k8s.io/v1alpha1", "Configuration"),)
_SHAPE = {"limits": [{"type": str, "qps": int, "burst": int, "cacheSize": int}]}
_CACHE_SIZE = 4096


class EventRateLimit(Plugin):
    name = "EventRateLimit"

    def __init__(self, limits: Sequence[Object]) -> None:
        self._limits = [_Limit(limit) for limit in limits]

    @classmethod
    def of(cls, configurations: Configurations) -> "EventRateLimit":
        limits = (configurations.of(cls.name, _KINDS, _SHAPE) or {}).get("limits") or []
        if problems := problems_of(limits):
            told = str(problems[0]) if len(problems) == 1 else f"[{', '.join(map(str, problems))}]"
            raise failure(cls.name, told)
        return cls(limits)

    def handles(self, attrs: Attributes) -> bool:
        return attrs.kind.kind == "Event" and attrs.operation in ("CREATE", "UPDATE") and not attrs.dry_run

    async def validate(self, attrs: Attributes) -> None:
        reached = [told for limit in self._limits if (told := limit.refuses(attrs))]
        if reached:
            told = reached[0] if len(reached) == 1 else f"[{', '.join(reached)}]"
            raise StatusError(429, "TooManyRequests", f"Too many requests: {told}")


class _Limit:
    """Buckets by key; the one that was not used for longest makes room."""

    def __init__(self, limit: Object) -> None:
        self._type = limit["type"]
        self._key = _KEYS[self._type]
        self._rate, self._burst = limit["qps"], limit["burst"]
        self._size = limit.get("cacheSize") or _CACHE_SIZE
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def refuses(self, attrs: Attributes) -> str:
        key = self._key(attrs)
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst)
        self._buckets[key] = bucket
        if len(self._buckets) > self._size:
            self._buckets.popitem(last=False)
        return "" if bucket.try_take() else f"limit reached on type {self._type} for key {key}"


def _source_and_object(attrs: Attributes) -> str:
    event = attrs.obj or {}
    source = event.get("source") or event.get("deprecatedSource") or {}
    about = event.get("involvedObject") or event.get("regarding") or {}
    fields = ("kind", "namespace", "name", "uid", "apiVersion")
    parts = [source.get("component"), source.get("host"), *(about.get(field) for field in fields)]
    return "".join(part or "" for part in parts)


_KEYS: dict[str, Callable[[Attributes], str]] = {
    "Server": lambda attrs: "",
    "Namespace": lambda attrs: attrs.namespace,
    "User": lambda attrs: attrs.user.name,
    "SourceAndObject": _source_and_object,
}


def problems_of(limits: Sequence[Object]) -> list[FieldError]:
    """What is wrong with a configuration's limits."""
    if not limits:
        return [invalid_value("limits", None, "must not be empty")]
    found = []
    for index, limit in enumerate(limits):
        path, kind = f"limits[{index}]", limit.get("type") or ""
        if kind not in _KEYS:
            found.append(not_supported(f"{path}.type", kind, sorted(_KEYS)))
        found += [
            invalid_value(f"{path}.{field}", limit.get(field) or 0, "must be positive")
            for field in ("burst", "qps")
            if (limit.get(field) or 0) <= 0
        ]
        if kind != "Server" and (limit.get("cacheSize") or 0) < 0:
            found.append(invalid_value(f"{path}.cacheSize", limit["cacheSize"], "must not be negative"))
    return found
