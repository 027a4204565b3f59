"""Feature gates: named switches with a default, set by `--feature-gates=A=true,B=false`."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class Feature(Struct, frozen=True):
    default: bool
    stage: Literal["ALPHA", "BETA", ""] = ""
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


def parse(text: str) -> dict[str, bool]:
    """`A=true,B=false` as a mapping; ValueError for anything else."""
    out: dict[str, bool] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"missing bool value for {name}")
        if value.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise ValueError(f"invalid value of {name}: {value}, err: must be true or false")
        out[name.strip()] = value.lower() in ("true", "1", "t")
    return out
