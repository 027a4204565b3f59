"""Which rules count at a level and version, and what a pod violates of them."""

from collections.abc import Iterable
from functools import lru_cache

from pynetes.apiserver.admission.podsecurity import baseline, restricted
from pynetes.apiserver.admission.podsecurity.levels import PRIVILEGED, RESTRICTED, LevelVersion
from pynetes.apiserver.admission.podsecurity.rule import Check, Object, Violation


@lru_cache(64)  # a namespace may name any version
def _checks(level: str, minor: int) -> tuple[Check, ...]:
    if level == PRIVILEGED:
        return ()
    stricter = [rule for rule in restricted.RULES if level == RESTRICTED and rule.at(minor) is not None]
    overridden = {name for rule in stricter for name in rule.overrides}
    rules = [rule for rule in baseline.RULES if rule.name not in overridden] + stricter
    return tuple(check for rule in rules if (check := rule.at(minor)) is not None)


def violations(wanted: LevelVersion, metadata: Object, spec: Object) -> list[Violation]:
    """What a pod violates of a level, in the order of the rules."""
    return [found for check in _checks(wanted.level, wanted.minor) if (found := check(metadata, spec)) is not None]


def described(found: Iterable[Violation]) -> str:
    return ", ".join(str(violation) for violation in found)
