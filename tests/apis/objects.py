"""Objects that tests of the kinds start from, and what a create or an update makes of them."""

from copy import deepcopy
from typing import Any

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.strategy import Strategy

Object = dict[str, Any]


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"containers": [container()], **spec}}


def container(name: str = "app", **fields: Any) -> Object:
    return {"name": name, "image": "registry.example/app:1", **fields}


def template(**spec: Any) -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container()], **spec}}


def workload(**spec: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    metadata = {"name": "web", "namespace": "ns", "uid": "u-1"}
    return {"metadata": metadata, "spec": {"selector": selector, "template": template(), **spec}}


def created(strategy: Strategy, obj: Object) -> Object:
    """What is stored of a create."""
    out = deepcopy(obj)
    strategy.default(out)
    strategy.prepare_for_create(out)
    return out


def create_errors(strategy: Strategy, obj: Object) -> list[str]:
    return texts(strategy.validate(created(strategy, obj)))


def updated(strategy: Strategy, old: Object, new: Object) -> Object:
    out = deepcopy(new)
    strategy.default(out)
    strategy.prepare_for_update(out, old)
    return out


def update_errors(strategy: Strategy, old: Object, new: Object) -> list[str]:
    return texts(strategy.validate_update(updated(strategy, old, new), old))


def texts(found: list[FieldError]) -> list[str]:
    return [str(error) for error in found]
