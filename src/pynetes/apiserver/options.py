"""Options of requests, parsed from the query (or, for deletes, the body) and checked as upstream checks them."""

import re
from collections.abc import Iterable
from typing import Any, cast

from msgspec import Struct, field

from pynetes.apimachinery.codec import Validation
from pynetes.apimachinery.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    invalid,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.selectors import (
    EVERYTHING,
    FieldSelector,
    LabelSelector,
    parse_field_selector,
    parse_label_selector,
)

Query = dict[str, list[str]]
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NO_FIELDS = FieldSelector()
_FIELD_VALIDATION = ("", "Ignore", "Strict", "Warn")
_PROPAGATION = ("Foreground", "Background", "Orphan")


def first(query: Query, name: str) -> str:
    values = query.get(name)
    return values[0] if values else ""


def boolean(query: Query, name: str) -> bool | None:
    """None if absent. Upstream's rule: anything but `false` and `0` is true."""
    values = query.get(name)
    return None if values is None else values[0].lower() not in ("false", "0")


def integer(query: Query, name: str) -> int | None:
    """None if absent. StatusError 400 for what is no int64."""
    values = query.get(name)
    if values is None:
        return None
    text = values[0]
    if not _INTEGER.fullmatch(text):
        raise bad_request(f"strconv.ParseInt: parsing {go_quoted(text)}: invalid syntax")
    number = int(text) if len(text) < 25 else 2**64
    if not -(2**63) <= number < 2**63:
        raise bad_request(f"strconv.ParseInt: parsing {go_quoted(text)}: value out of range")
    return number


def raise_invalid(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise invalid(kind, "meta.k8s.io", "", errors)


class ListOptions(Struct):
    """Of lists, watches and collection deletes."""

    label_selector: LabelSelector = EVERYTHING
    field_selector: FieldSelector = _NO_FIELDS
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    watch: bool = False
    allow_watch_bookmarks: bool = False
    timeout_seconds: int | None = None
    send_initial_events: bool | None = None

    @classmethod
    def of(cls, query: Query, *, watch: bool = False) -> "ListOptions":
        if not query:
            return cls(watch=watch)
        options = cls(
            limit=integer(query, "limit") or 0,
            continue_=first(query, "continue"),
            resource_version=first(query, "resourceVersion"),
            resource_version_match=first(query, "resourceVersionMatch"),
            watch=watch or bool(boolean(query, "watch")),
            allow_watch_bookmarks=bool(boolean(query, "allowWatchBookmarks")),
            timeout_seconds=integer(query, "timeoutSeconds"),
            send_initial_events=boolean(query, "sendInitialEvents"),
        )
        try:
            options.label_selector = parse_label_selector(first(query, "labelSelector"))
            options.field_selector = parse_field_selector(first(query, "fieldSelector"))
        except ValueError as error:
            raise bad_request(str(error)) from None
        if options.watch:
            options._default_watch()
        raise_invalid("ListOptions", options._watch_errors() if options.watch else options._list_errors())
        return options

    def _default_watch(self) -> None:
        """A watch from no revision gets the state first, and the bookmark that ends it."""
        plain = self.send_initial_events is None and not self.resource_version_match
        if plain and self.resource_version in ("", "0"):
            self.send_initial_events, self.resource_version_match = True, "NotOlderThan"

    def _list_errors(self) -> list[FieldError]:
        errors: list[FieldError] = []
        match = self.resource_version_match
        path = "resourceVersionMatch"
        if match:
            if not self.resource_version:
                errors.append(
                    field_forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided")
                )
            if self.continue_:
                errors.append(field_forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
            if match not in ("Exact", "NotOlderThan"):
                errors.append(not_supported(path, match, ("Exact", "NotOlderThan", "")))
            if match == "Exact" and self.resource_version == "0":
                errors.append(
                    field_forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
                )
        if self.send_initial_events is not None:
            errors.append(field_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        return errors

    def _watch_errors(self) -> list[FieldError]:
        errors: list[FieldError] = []
        match = self.resource_version_match
        path = "resourceVersionMatch"
        if self.send_initial_events is not None and match != "NotOlderThan":
            errors.append(
                field_forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
            )
        if match:
            if self.send_initial_events is None:
                errors.append(
                    field_forbidden(
                        path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                    )
                )
            if match != "NotOlderThan":
                errors.append(not_supported(path, match, ("NotOlderThan",)))
            if self.continue_:
                errors.append(field_forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
        return errors


class WriteOptions(Struct):
    """Of creates, updates and patches. `raw` is the options object that admission sees."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: Validation = "Warn"
    force: bool | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Query, kind: str, *, apply: bool = False) -> "WriteOptions":
        if not query and not apply:
            return cls(raw={"kind": kind, "apiVersion": "meta.k8s.io/v1"})
        dry_run = query.get("dryRun") or []
        manager = first(query, "fieldManager")
        validation = first(query, "fieldValidation")
        force = boolean(query, "force")
        errors: list[FieldError] = []
        if kind == "PatchOptions":
            if apply and not manager:
                errors.append(required("fieldManager", "is required for apply patch"))
            if not apply and force is not None:
                errors.append(field_forbidden("force", "may not be specified for non-apply patch"))
        errors += _manager_errors(manager)
        errors += _dry_run_errors(dry_run)
        if validation not in _FIELD_VALIDATION:
            errors.append(not_supported("fieldValidation", validation, _FIELD_VALIDATION))
        raise_invalid(kind, errors)
        raw: dict[str, Any] = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        for name, value in (("dryRun", dry_run), ("fieldManager", manager), ("fieldValidation", validation)):
            if value:
                raw[name] = value
        if force is not None:
            raw["force"] = force
        return cls(bool(dry_run), manager, cast(Validation, validation or "Warn"), force, raw)


def _manager_errors(manager: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(manager.encode()) > 128:
        errors.append(too_long("fieldManager", 128))
    for position, char in enumerate(manager):
        if not char.isprintable():
            detail = f"invalid character U+{ord(char):04X} (at position {position})"
            errors.append(invalid_value("fieldManager", manager, detail))
    return errors


def _dry_run_errors(values: Iterable[str]) -> list[FieldError]:
    found = list(values)
    if all(value == "All" for value in found):
        return []
    return [not_supported("dryRun", found, ("All",))]


class DeleteOptions(Struct):
    """Of deletes. `grace_period_seconds` None means the kind's own."""

    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    raw: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> "DeleteOptions":
        """Each object of a collection gets options of its own: deleting may change them."""
        return DeleteOptions(
            self.grace_period_seconds,
            self.propagation_policy,
            self.orphan_dependents,
            self.uid,
            self.resource_version,
            self.dry_run,
            dict(self.raw),
        )

    @classmethod
    def of(cls, query: Query, body: dict[str, Any] | None) -> "DeleteOptions":
        """From the body if there is one, else from the query."""
        raw = dict(body) if body is not None else _delete_query(query)
        raw |= {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
        preconditions = raw.get("preconditions") or {}
        options = cls(
            raw.get("gracePeriodSeconds"),
            raw.get("propagationPolicy"),
            raw.get("orphanDependents"),
            preconditions.get("uid"),
            preconditions.get("resourceVersion"),
            bool(raw.get("dryRun")),
            raw,
        )
        errors: list[FieldError] = []
        policy = options.propagation_policy
        if options.orphan_dependents is not None and policy is not None:
            detail = "orphanDependents and deletionPropagation cannot be both set"
            errors.append(invalid_value("propagationPolicy", policy, detail))
        if policy is not None and policy not in _PROPAGATION:
            errors.append(not_supported("propagationPolicy", policy, (*_PROPAGATION, "nil")))
        errors += _dry_run_errors(raw.get("dryRun") or ())
        raise_invalid("DeleteOptions", errors)
        return options


def _delete_query(query: Query) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    grace = integer(query, "gracePeriodSeconds")
    if grace is not None:
        raw["gracePeriodSeconds"] = grace
    orphan = boolean(query, "orphanDependents")
    if orphan is not None:
        raw["orphanDependents"] = orphan
    if "propagationPolicy" in query:
        raw["propagationPolicy"] = first(query, "propagationPolicy")
    if query.get("dryRun"):
        raw["dryRun"] = query["dryRun"]
    preconditions = {name: found for name in ("uid", "resourceVersion") if (found := first(query, name))}
    if preconditions:
        raw["preconditions"] = preconditions
    return raw
