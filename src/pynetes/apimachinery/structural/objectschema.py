"""ObjectSchema: everything that the schema of one version of a kind does to its objects."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.structural.coercion import Coerce, compile_coercion
from pynetes.apimachinery.structural.correlation import Correlated
from pynetes.apimachinery.structural.embedded import Coercion, has_embedded, validate_embedded
from pynetes.apimachinery.structural.explanation import explain
from pynetes.apimachinery.structural.listtypes import Distinct, compile_distinct, validate_lists
from pynetes.apimachinery.structural.nodes import VALIDATIONS, Schema, properties, walk
from pynetes.apimachinery.structural.objectmeta import lenient_metadata
from pynetes.apimachinery.structural.unknown import Known, compile_known, unknown_fields
from pynetes.apimachinery.structural.validity import Check, compile_validity

if TYPE_CHECKING:
    from pynetes.apimachinery.structural.evaluation import Rules

Object = dict[str, Any]

_BLOCKING = frozenset(
    (
        *("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany"),
        "FieldValueTypeInvalid",
    )
)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)


class CoercionError(ValueError):
    """An object within the object is no object of any kind; the text is a field error's."""


class ObjectSchema:
    """Compiled on first use, used for every object. `schema` is that of whole objects; never changed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._embedded = has_embedded(schema)

    @cached_property
    def _coerce(self) -> Coerce:
        return compile_coercion(self.schema)

    @cached_property
    def of_merged(self) -> "ObjectSchema":
        """The same for what an apply has merged: coercion takes no nulls away, so that validation tells them."""
        merged = ObjectSchema(self.schema)
        merged._coerce = compile_coercion(self.schema, takes=False)
        return merged

    @cached_property
    def _prune(self) -> Coerce:
        return compile_coercion(self.schema, defaults=False)

    @cached_property
    def _known(self) -> Known:
        return compile_known(self.schema)

    @cached_property
    def _distinct(self) -> Distinct | None:
        return compile_distinct(self.schema)

    @cached_property
    def _valid(self) -> Check:
        return compile_validity(self.schema)

    @cached_property
    def _status(self) -> tuple[Schema, Check] | None:
        status = properties(self.schema).get("status")
        return (status, compile_validity(status)) if status else None

    @cached_property
    def _rules(self) -> "Rules | None":
        if not any(node.get(VALIDATIONS) for node in walk(self.schema)):
            return None
        from pynetes.apimachinery.structural.evaluation import rules_of  # loads CEL, which most processes do not need

        return rules_of(self.schema)

    @property
    def has_rules(self) -> bool:
        """Whether there is anything for `run_rules` to do; asked for the first time, it compiles the rules."""
        return self._rules is not None

    # --- on the way in and out

    def coerce(self, obj: Object, *, track: bool = False) -> list[str]:
        """Prunes, drops nulls and fills in defaults, in place; with `track`, the paths of what was unknown.

        The object's own type and metadata are not touched. CoercionError.
        """
        unknown = unknown_fields(obj, self.schema) if track and not self._known(obj) else []
        self._coerce(obj)
        if self._embedded:
            coercion = Coercion()
            coercion.run(obj, self.schema)
            if coercion.problem is not None:
                raise CoercionError(str(coercion.problem))
            if track:
                unknown += sorted(coercion.unknown)
        return unknown

    def read(self, obj: Object) -> None:
        """The same for an object out of the store, which an older schema may have let in: what is wrong is dropped."""
        self._coerce(obj)
        if self._embedded:
            Coercion(lenient=True).run(obj, self.schema)
        obj["metadata"] = lenient_metadata(obj["metadata"])

    def prune(self, obj: Object) -> None:
        """What a conversion to this version has no place for goes; defaults stay out."""
        self._prune(obj)

    # --- validation

    def validate(self, obj: Object, old: Object | None = None) -> list[FieldError]:
        """Values, embedded resources and list keys. What has not changed since `old` may stay wrong."""
        errors: list[FieldError] = []
        if not self._valid(obj):
            errors = explain(obj, self.schema, correlation=self._correlated(obj, old))
        if self._embedded:
            errors += validate_embedded(obj, self.schema)
        return errors + self._validate_lists(obj, old)

    def validate_status(self, obj: Object, old: Object) -> list[FieldError]:
        """The same where only the status may have changed."""
        errors: list[FieldError] = []
        if self._status is not None and "status" in obj:
            schema, valid = self._status
            if not valid(obj["status"]):
                correlation = Correlated(obj, old, self.schema).key("status")
                errors = explain(obj["status"], schema, "status", correlation)
        return errors + self._validate_lists(obj, old)

    def run_rules(
        self, obj: Object, old: Object | None, errors: list[FieldError]
    ) -> tuple[list[FieldError], list[str]]:
        """What validation rules say (errors, warnings), unless `errors` say that the object is not of its form."""
        if self._rules is None:
            return [], []
        if any(error.type in _BLOCKING for error in errors):
            return [FieldError("FieldValueInvalid", "<nil>", None, _UNCHECKED)], []
        from pynetes.apimachinery.structural.evaluation import run_rules

        run = run_rules(self._rules, obj, old, self.schema)
        return run.errors, run.warnings

    def _correlated(self, obj: Object, old: Object | None) -> Correlated | None:
        return Correlated(obj, old, self.schema) if old is not None else None

    def _validate_lists(self, obj: Object, old: Object | None) -> list[FieldError]:
        if self._distinct is None or self._distinct(obj):
            return []
        errors = validate_lists(obj, self.schema)
        return [] if errors and old is not None and validate_lists(old, self.schema) else errors
