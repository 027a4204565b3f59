"""What kube-apiserver 1.36 tells of objects that it refuses: recorded by kind in `refusals/`.

A document is an object and its errors, and of an object that is taken what becomes of it by one change each: `set` at
a path, or an `op` (`del`; `dup`, a list's first item a second time).
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis import registry
from tests.apis.objects import Object, create_errors

RECORDS = sorted(Path(__file__).with_name("refusals").glob("*.yaml"))


def _errors(obj: Object) -> list[str]:
    group, _, version = obj["apiVersion"].rpartition("/")
    resource = registry.by_gvk(GroupVersionKind(group, version, obj["kind"]))
    assert resource is not None
    metadata = {"uid": "u-1", **({"namespace": "ns"} if resource.namespaced else {}), **obj["metadata"]}
    return create_errors(resource.strategy, {**obj, "metadata": metadata})


def _changed(obj: Object, change: Object) -> Object:
    changed = deepcopy(obj)
    *way, last = change["at"]
    place: Any = changed
    for step in way:
        place = place[step]
    if "set" in change:
        place[last] = change["set"]
    elif change["op"] == "del":
        del place[last]
    else:
        place[last].append(deepcopy(place[last][0]))
    return changed


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_what_is_refused_is_told_as_the_original_tells_it(path: Path) -> None:
    for record in yaml.load_all(path.read_text(), yaml.CSafeLoader):
        assert _errors(record["object"]) == record["errors"]
        for change in record.get("changes", ()):
            told = _errors(_changed(record["object"], change))
            assert (change["at"], told) == (change["at"], change["errors"])


def test_there_are_records_of_many_kinds() -> None:
    assert len(RECORDS) > 20
