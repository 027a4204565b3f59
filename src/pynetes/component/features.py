"""Feature gates: named switches with a default, set by `--feature-gates=A=true,B=false`."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

_YES = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_NO = frozenset(("0", "f", "F", "FALSE", "false", "False"))


class Feature(Struct, frozen=True):
    default: bool
    stage: Literal["ALPHA", "BETA", "DEPRECATED", ""] = ""
    #: A locked gate states how things are; it cannot be set otherwise.
    locked: bool = False


class FeatureGates:
    """The gates a component knows and how they are set."""

    def __init__(self, known: Mapping[str, Feature]) -> None:
        self._known = dict(known)
        self._set: dict[str, bool] = {}

    def enabled(self, name: str) -> bool:
        return self._set.get(name, self._known[name].default)

    def set(self, values: Mapping[str, bool]) -> None:
        """ValueError, in upstream's words, for a gate that is unknown or locked; then nothing is set."""
        for name, value in values.items():
            feature = self._known.get(name)
            if feature is None:
                if name in ("AllAlpha", "AllBeta"):
                    continue
                raise ValueError(f"unrecognized feature gate: {name}")
            if feature.locked and value != feature.default:
                wanted, fixed = str(value).lower(), str(feature.default).lower()
                raise ValueError(f"cannot set feature gate {name} to {wanted}, feature is locked to {fixed}")
        for group, stage in (("AllAlpha", "ALPHA"), ("AllBeta", "BETA")):
            if group in values:
                staged = {name for name, known in self._known.items() if known.stage == stage and not known.locked}
                self._set |= dict.fromkeys(staged, values[group])
        self._set |= {name: value for name, value in values.items() if name in self._known}

    def all(self) -> dict[str, bool]:
        return {name: self.enabled(name) for name in sorted(self._known)}

    def differing(self) -> list[str]:
        """Gates that are set to what is not their default."""
        return [name for name, enabled in self.all().items() if enabled != self._known[name].default]

    def families(self) -> Iterable[Metric]:
        """`kubernetes_feature_enabled`: each gate with its stage."""
        text = "This metric records the data about the stage and enablement of a k8s feature."
        family = GaugeMetricFamily("kubernetes_feature_enabled", text, labels=("name", "stage"))
        for name, enabled in self.all().items():
            family.add_metric((name, self._known[name].stage), float(enabled))
        yield family


def parse(text: str) -> dict[str, bool]:
    """`A=true,kube:B=false` as a mapping; ValueError, in upstream's words, for anything else."""
    out: dict[str, bool] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.removeprefix("kube:").partition("=")
        name, value = name.strip(), value.strip()
        if not equals:
            raise ValueError(f"missing bool value for {name}")
        try:
            out[name] = parse_bool(value)
        except ValueError as error:
            raise ValueError(f"invalid value of {name}={value}, err: {error}") from None
    return out


def parse_bool(text: str) -> bool:
    """As Go reads it; ValueError with Go's text."""
    if text not in _YES and text not in _NO:
        raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return text in _YES
