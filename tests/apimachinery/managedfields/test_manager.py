"""A FieldManager over a kind in two versions, told in small stories."""

from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import ConversionNeeded, CustomVersions, FieldManager, Versions, excluding
from pynetes.apimachinery.managedfields.last_applied import ANNOTATION
from pynetes.apimachinery.managedfields.updater import Updater

Object = dict[str, Any]
V1, V2 = "example.com/v1", "example.com/v2"
T0, T1, T2 = (f"2026-01-01T00:00:0{n}Z" for n in range(3))


def schema(count: str) -> Object:
    item = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}
    spec = {
        count: {"type": "integer"},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "items": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": item,
        },
        "list": {"type": "array", "items": {"type": "string"}},
        "deep": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
    }
    fields = {"type": "object", "properties": spec}
    return {"type": "object", "properties": {"spec": fields, "status": {"type": "object", "properties": spec}}}


def convert(obj: Object, kind: GroupVersionKind) -> Object:
    """v1 says count, v2 says number."""
    names = {"count": "number"} if kind.version == "v2" else {"number": "count"}
    spec = {names.get(name, name): value for name, value in (obj.get("spec") or {}).items()}
    return {**obj, "apiVersion": kind.api_version, **({"spec": spec} if "spec" in obj else {})}


VERSIONS = CustomVersions("Thing", {V1: schema("count"), V2: schema("number")}, convert)


class Server:
    """One object and its writers."""

    def __init__(self, versions: Versions = VERSIONS, **options: Any) -> None:
        self.obj: Object | None = None
        self.versions = versions
        self.options = options

    def manager(self, version: str = V1, subresource: str = "") -> FieldManager:
        kind = GroupVersionKind("example.com", version.rpartition("/")[2], "Thing")
        return FieldManager(kind, self.versions, subresource=subresource, **self.options)

    def live(self, version: str) -> Object | None:
        if self.obj is None:
            return None
        return self.versions.convert(self.obj, version)

    def update(
        self, manager: str, spec: Object, *, now: str = T0, version: str = V1, subresource: str = "", **more: Any
    ) -> None:
        claimed = more.pop("claimed", None)
        live = self.live(version)
        metadata = {"name": "x", "uid": "1", **more.pop("metadata", {})}
        new = {"apiVersion": version, "kind": "Thing", "metadata": metadata, "spec": spec, **more}
        entries = self.manager(version, subresource).update(live, new, manager, now, claimed=claimed)
        self.obj = {**new, "metadata": {**metadata, **({"managedFields": entries} if entries else {})}}

    def apply(
        self, manager: str, spec: Object | None, *, force: bool = False, now: str = T1, version: str = V1, **more: Any
    ) -> None:
        config = {"apiVersion": version, "kind": "Thing", "metadata": {"name": "x"}, **more}
        if spec is not None:
            config["spec"] = spec
        self.obj = self.manager(version).apply(self.live(version), config, manager, now, force=force)
        self.obj["metadata"].setdefault("uid", "1")

    @property
    def spec(self) -> Any:
        assert self.obj is not None
        return self.obj.get("spec")

    @property
    def entries(self) -> list[Object]:
        assert self.obj is not None
        return list(self.obj["metadata"].get("managedFields") or [])

    @property
    def owners(self) -> dict[str, Any]:
        """Manager → what it owns of the spec."""
        return {entry["manager"]: entry["fieldsV1"].get("f:spec") for entry in self.entries}


def test_a_create_is_owned_by_who_creates_but_for_names_and_types() -> None:
    server = Server()
    server.update("creator", {"count": 1}, metadata={"labels": {"a": "b"}, "namespace": "n", "generation": 1})
    assert server.entries == [
        {
            "manager": "creator",
            "operation": "Update",
            "apiVersion": V1,
            "time": T0,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {".": {}, "f:count": {}}},
        }
    ]


def test_an_update_takes_what_it_changes_and_drops_what_it_removes() -> None:
    server = Server()
    server.update("one", {"count": 1, "map": {"a": "1", "b": "2"}})
    server.update("two", {"count": 2, "map": {"a": "1"}}, now=T1)
    assert server.owners == {"one": {".": {}, "f:map": {".": {}, "f:a": {}}}, "two": {"f:count": {}}}
    assert [entry["time"] for entry in server.entries] == [T0, T1]


def test_entries_of_one_manager_are_merged_by_version_and_subresource() -> None:
    server = Server()
    server.update("one", {"count": 1})
    server.update("one", {"count": 1, "list": ["a"]}, now=T1)
    assert server.owners == {"one": {".": {}, "f:count": {}, "f:list": {}}}
    server.update("one", {"count": 2, "list": ["a"]}, now=T2, subresource="status")
    found = [(entry.get("subresource"), entry["fieldsV1"]["f:spec"], entry["time"]) for entry in server.entries]
    assert found == [(None, {".": {}, "f:list": {}}, T1), ("status", {"f:count": {}}, T2)]


def test_an_update_that_changes_nothing_changes_no_entry() -> None:
    server = Server()
    server.update("one", {"count": 1})
    before = server.entries
    server.update("two", {"count": 1}, now=T1)
    assert server.entries == before


def test_without_a_name_a_manager_is_unknown() -> None:
    server = Server()
    server.update("", {"count": 1})
    assert list(server.owners) == ["unknown"]


def test_an_apply_creates() -> None:
    server = Server()
    server.apply("app", {"count": 1, "items": [{"name": "a"}]})
    assert server.spec == {"count": 1, "items": [{"name": "a"}]}
    (entry,) = server.entries
    assert (entry["operation"], entry["time"]) == ("Apply", T1)
    assert entry["fieldsV1"] == {
        "f:spec": {"f:count": {}, "f:items": {'k:{"name":"a"}': {".": {}, "f:name": {}}}},
    }


def test_a_conflict_names_the_owner_and_the_field() -> None:
    server = Server()
    server.update("ctl", {"count": 1})
    with pytest.raises(StatusError) as caught:
        server.apply("app", {"count": 2})
    assert caught.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'Apply failed with 1 conflict: conflict with "ctl" using {V1}: .spec.count',
        "reason": "Conflict",
        "details": {
            "causes": [
                {
                    "reason": "FieldManagerConflict",
                    "message": f'conflict with "ctl" using {V1}',
                    "field": ".spec.count",
                }
            ]
        },
        "code": 409,
    }


def test_several_conflicts_are_grouped_by_owner() -> None:
    server = Server()
    server.apply("zeta", {"count": 1, "items": [{"name": "a", "value": "x"}]})
    server.update("ctl", {**server.spec, "list": ["a"]}, subresource="status")
    with pytest.raises(StatusError) as caught:
        server.apply("app", {"count": 2, "items": [{"name": "a", "value": "y"}], "list": ["b"]})
    assert caught.value.message == (
        "Apply failed with 3 conflicts: "
        f'conflicts with "ctl" with subresource "status" using {V1}:\n- .spec.list\n'
        'conflicts with "zeta":\n- .spec.count\n- .spec.items[name="a"].value'
    )
    assert len(caught.value.details["causes"]) == 3


def test_force_takes_the_field() -> None:
    server = Server()
    server.update("ctl", {"count": 1, "list": ["a"]})
    server.apply("app", {"count": 2}, force=True)
    assert server.spec == {"count": 2, "list": ["a"]}
    assert server.owners == {"app": {"f:count": {}}, "ctl": {".": {}, "f:list": {}}}


def test_equal_values_are_shared() -> None:
    server = Server()
    server.apply("one", {"count": 1})
    server.apply("two", {"count": 1}, now=T2)
    assert server.owners == {"one": {"f:count": {}}, "two": {"f:count": {}}}
    assert "time" not in server.entries[0], "nothing has changed when two came"
    server.apply("one", {}, now=T2)
    assert server.spec == {"count": 1}, "two still states it"
    server.apply("two", {}, now=T2)
    assert server.spec == {}


def test_what_is_no_longer_stated_goes() -> None:
    server = Server()
    server.apply("app", {"count": 1, "map": {"a": "1", "b": "2"}, "items": [{"name": "a"}, {"name": "b"}]})
    server.apply("app", {"map": {"b": "2"}, "items": [{"name": "b", "value": "x"}]})
    assert server.spec == {"map": {"b": "2"}, "items": [{"name": "b", "value": "x"}]}
    server.apply("app", None)
    assert not server.spec
    assert server.entries == []


def test_what_others_added_below_stays() -> None:
    server = Server()
    server.apply("app", {"map": {"a": "1"}, "items": [{"name": "a", "value": "x"}]})
    server.update("ctl", {"map": {"a": "1", "b": "2"}, "items": [{"name": "a", "value": "x"}, {"name": "b"}]})
    server.apply("app", {"count": 1})
    assert server.spec == {"count": 1, "map": {"b": "2"}, "items": [{"name": "b"}]}


def test_an_item_goes_with_its_applier_even_if_another_has_written_into_it() -> None:
    server = Server()
    server.apply("app", {"items": [{"name": "a"}]})
    server.update("ctl", {"items": [{"name": "a", "value": "x"}]})
    server.apply("app", {"count": 1})
    assert not server.spec.get("items")
    assert server.owners == {"app": {"f:count": {}}}


def test_an_item_stays_as_long_as_one_applier_states_it() -> None:
    server = Server()
    server.apply("one", {"items": [{"name": "a"}]})
    server.apply("two", {"items": [{"name": "a", "value": "x"}]})
    server.apply("one", {"count": 1})
    assert server.spec == {"count": 1, "items": [{"name": "a", "value": "x"}]}


def test_an_update_takes_a_field_from_its_applier_who_then_conflicts() -> None:
    server = Server()
    server.apply("app", {"count": 1})
    server.update("ctl", {"count": 5})
    assert server.owners == {"ctl": {"f:count": {}}}
    with pytest.raises(StatusError, match=r"conflict with \"ctl\""):
        server.apply("app", {"count": 1})
    server.apply("app", {})
    assert server.spec == {"count": 5}


def test_an_apply_that_changes_nothing_gives_back_the_same() -> None:
    server = Server()
    server.apply("app", {"count": 1})
    before = server.obj
    server.apply("app", {"count": 1}, now=T2)
    assert server.obj == before


def test_fields_of_a_time_before_tracking_belong_to_nobody_in_particular() -> None:
    server = Server()
    server.obj = {"apiVersion": V1, "kind": "Thing", "metadata": {"name": "x", "uid": "1"}, "spec": {"count": 1}}
    server.update("ctl", {"count": 2})
    assert server.entries == [], "tracking begins with a create or an apply"
    with pytest.raises(StatusError, match=r"conflict with \"before-first-apply\" using example.com/v1: .spec.count"):
        server.apply("app", {"count": 3})
    server.apply("app", {"list": ["a"]})
    assert server.owners == {"app": {"f:list": {}}, "before-first-apply": {".": {}, "f:count": {}}}


@pytest.mark.parametrize("claimed", [[], [{}]])
def test_clients_may_have_all_forgotten(claimed: list[Object]) -> None:
    server = Server()
    server.apply("app", {"count": 1})
    server.update("ctl", {"count": 2}, claimed=claimed)
    assert server.entries == []


def test_clients_may_rewrite_entries_but_not_spoil_them() -> None:
    server = Server()
    server.apply("app", {"count": 1, "list": ["a"]})
    mine = {**server.entries[0], "fieldsV1": {"f:spec": {"f:list": {}}}}
    server.update("ctl", server.spec, claimed=[mine])
    assert server.owners == {"app": {"f:list": {}}}
    spoilt = {**mine, "operation": "Nonsense"}
    server.update("ctl", server.spec, claimed=[spoilt])
    assert server.owners == {"app": {"f:list": {}}}
    server.update("ctl", server.spec, claimed=[{**mine, "manager": "else"}], subresource="status")
    assert server.owners == {"app": {"f:list": {}}}, "not through a subresource"


def test_managers_of_another_version_lose_what_is_taken_by_conversion() -> None:
    server = Server()
    server.update("old", {"count": 1, "list": ["a"]})
    server.update("new", {"number": 2, "list": ["a"]}, version=V2)
    found = {entry["manager"]: (entry["apiVersion"], entry["fieldsV1"]["f:spec"]) for entry in server.entries}
    assert found == {"old": (V1, {".": {}, "f:list": {}}), "new": (V2, {"f:number": {}})}


def test_an_applier_may_move_to_another_version() -> None:
    server = Server()
    server.apply("app", {"count": 1, "list": ["a"]})
    with pytest.raises(StatusError, match=r"conflict with \"app\": .spec.count"):
        server.apply("other", {"number": 2}, version=V2)
    server.apply("app", {"number": 1}, version=V2)
    assert server.spec == {"number": 1}
    assert [(entry["apiVersion"], entry["fieldsV1"]) for entry in server.entries] == [
        (V2, {"f:spec": {"f:number": {}}})
    ]


def test_managers_of_versions_that_are_gone_are_dropped() -> None:
    server = Server()
    server.update("ctl", {"count": 1})
    assert server.obj is not None
    server.obj["metadata"]["managedFields"][0]["apiVersion"] = "example.com/v0"
    server.update("new", {"count": 2})
    assert server.owners == {"new": {"f:count": {}}}


def test_versions_that_do_not_fit_are_told_by_an_apply_and_cost_an_update_the_entries() -> None:
    def misfit(obj: Object, kind: GroupVersionKind) -> Object:
        return {**obj, "apiVersion": kind.api_version}

    versions = CustomVersions("Thing", {V1: schema("count"), V2: schema("number")}, misfit)
    server = Server(versions)
    server.update("old", {"count": 1})
    server.obj = {**server.obj, "apiVersion": V2, "spec": {"number": 1}} if server.obj else None
    with pytest.raises(StatusError) as caught:
        server.apply("app", {"number": 1}, version=V2)
    assert caught.value.status()["code"] == 500
    assert caught.value.message == "failed to convert old object: .spec.number: field not declared in schema"
    server.update("ctl", {"number": 2}, version=V2)
    assert server.entries == []


def test_conversions_that_take_their_time_are_asked_for() -> None:
    known: list[Object] = []

    def wait(obj: Object, kind: GroupVersionKind) -> Object:
        if obj not in known:
            raise ConversionNeeded(obj, kind)
        return convert(obj, kind)

    server = Server(CustomVersions("Thing", {V1: schema("count"), V2: schema("number")}, wait))
    server.update("old", {"count": 1, "list": ["a"]})
    assert server.obj is not None
    live = convert(server.obj, GroupVersionKind("example.com", "v2", "Thing"))
    new = {"apiVersion": V2, "kind": "Thing", "metadata": {"name": "x"}, "spec": {"number": 2, "list": ["a"]}}
    asked = 0
    while True:
        try:
            entries = server.manager(V2).update(live, new, "new", T1)
        except ConversionNeeded as needed:
            known.append(needed.obj)
            asked += 1
        else:
            break
    assert asked == 2
    assert entries is not None
    assert [entry["fieldsV1"]["f:spec"] for entry in entries] == [{".": {}, "f:list": {}}, {"f:number": {}}]


def test_what_a_strategy_resets_is_nobodys() -> None:
    server = Server(reset=excluding("status"))
    server.update("ctl", {"count": 1}, status={"count": 1})
    assert list(server.entries[0]["fieldsV1"]) == ["f:spec"]
    server.apply("app", {"list": ["a"]}, status={"count": 3})
    assert {tuple(entry["fieldsV1"]) for entry in server.entries} == {("f:spec",)}


def client_side(server: Server, spec: Object) -> None:
    config = {"apiVersion": V1, "kind": "Thing", "metadata": {"name": "x"}, "spec": spec}
    annotations = {ANNOTATION: orjson.dumps(config).decode()}
    server.update("kubectl-client-side-apply", spec, metadata={"annotations": annotations})


def test_kubectl_takes_over_from_its_own_client_side_apply() -> None:
    server = Server()
    client_side(server, {"count": 1})
    with pytest.raises(StatusError, match="conflict"):
        server.apply("app", {"count": 2})
    server.apply("kubectl", {"count": 2})
    assert server.spec == {"count": 2}
    assert server.obj is not None
    assert orjson.loads(server.obj["metadata"]["annotations"][ANNOTATION])["spec"] == {"count": 2}


def test_kubectl_still_conflicts_with_others() -> None:
    server = Server()
    client_side(server, {"count": 1, "list": ["a"]})
    assert server.obj is not None
    annotations = {"annotations": server.obj["metadata"]["annotations"]}
    server.update("ctl", {"count": 5, "list": ["a"]}, metadata=annotations)
    with pytest.raises(StatusError) as caught:
        server.apply("kubectl", {"count": 2, "list": ["b"]})
    assert caught.value.message == f'Apply failed with 1 conflict: conflict with "ctl" using {V1}: .spec.count'


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"kind": "Other"}, 400, "invalid object type: example.com/v1, Kind=Other"),
        ({"apiVersion": V2}, 400, "invalid object type: example.com/v2, Kind=Thing"),
        ({"apiVersion": "", "kind": ""}, 400, "invalid object type: /, Kind="),
        ({"metadata": {"name": "x", "managedFields": []}}, 400, "metadata.managedFields must be nil"),
        ({"apiVersion": 61, "kind": ["Thing"]}, 400, "invalid object type: /, Kind="),
        (
            {"metadata": "x"},
            500,
            "failed to create typed patch object (/; example.com/v1, Kind=Thing): .metadata: expected map, got &{x}",
        ),
        (
            {"spec": {"count": "1"}},
            500,
            "failed to create typed patch object (/x; example.com/v1, Kind=Thing): "
            ".spec.count: expected numeric (int or float), got string",
        ),
        (
            {"metadata": {"name": "x", "namespace": "n"}, "spec": {"items": [{"name": "a"}, {"name": "a"}]}},
            500,
            "failed to create typed patch object (n/x; example.com/v1, Kind=Thing): "
            '.spec.items: duplicate entries for key [name="a"]',
        ),
    ],
)
def test_configurations_that_are_refused(changes: Object, code: int, message: str) -> None:
    config = {"apiVersion": V1, "kind": "Thing", "metadata": {"name": "x"}, **changes}
    with pytest.raises(StatusError) as caught:
        Server().manager().apply(None, config, "app", T0, force=False)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_lists_that_cannot_be_understood_cost_the_entries_not_the_write() -> None:
    server = Server()
    server.update("ctl", {"items": [{"value": "no key"}]})
    assert server.entries == []


def test_too_many_managers_become_ancient() -> None:
    server = Server()
    server.update("m0", {"map": {}})
    for number in range(1, 13):
        server.update(
            f"m{number}", {"map": {**server.spec["map"], str(number): "x"}}, now=f"2026-01-01T00:00:{number:02}Z"
        )
    assert len(server.entries) == 10
    assert "ancient-changes" in server.owners


specs = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(0, 2),
        "map": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2),
        "items": st.lists(st.sampled_from("ab"), unique=True).map(lambda names: [{"name": name} for name in names]),
        "list": st.lists(st.sampled_from("ab"), max_size=2),
        "deep": st.fixed_dictionaries({}, optional={"a": st.integers(0, 1), "b": st.integers(0, 1)}),
    },
)


@given(specs, st.lists(st.tuples(st.sampled_from(["app", "other"]), specs), min_size=1, max_size=4))
def test_applying_twice_is_applying_once(first: Object, applies: list[tuple[str, Object]]) -> None:
    server = Server()
    server.update("ctl", first)
    for manager, spec in applies:
        server.apply(manager, spec, force=True)
        once = server.obj
        server.apply(manager, spec, force=True, now=T2)
        assert server.obj == once


@given(specs, specs)
def test_after_a_forced_apply_the_object_says_what_the_applier_said(first: Object, second: Object) -> None:
    server = Server()
    server.update("ctl", first)
    server.apply("app", second, force=True)
    for name, value in second.items():
        if name in ("count", "list"):
            assert server.spec[name] == value
        elif isinstance(value, dict):
            assert value.items() <= (server.spec.get(name) or {}).items()


@given(specs, specs, specs)
def test_an_applier_that_states_all_it_stated_prunes_nothing(first: Object, stated: Object, more: Object) -> None:
    def applied() -> Object | None:
        server = Server()
        server.update("ctl", first)
        server.apply("app", stated, force=True)
        server.update("ctl", {**server.spec, **more})
        server.apply("app", {**more, **stated}, force=True)
        return server.obj

    found = applied()
    with patch.object(Updater, "_states_all", lambda *_: False):
        assert applied() == found


metadata = st.fixed_dictionaries(
    {"name": st.sampled_from("ab")},
    optional={
        "generateName": st.sampled_from(["", "a-"]),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "x"])),
        "annotations": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "x"])),
        "finalizers": st.lists(st.sampled_from(["example.com/a", "example.com/b"]), unique=True),
        "ownerReferences": st.lists(st.sampled_from([{"uid": "1", "name": "x"}, {"uid": "2"}]), unique_by=str),
    },
)


@given(st.lists(st.tuples(metadata, specs), min_size=2, max_size=6))
def test_what_a_create_owns_is_remembered_as_it_is_found(created: list[tuple[Object, Object]]) -> None:
    kind = GroupVersionKind("example.com", "v1", "Thing")
    manager = FieldManager(kind, VERSIONS)
    for each, spec in created:
        obj = {"apiVersion": V1, "kind": "Thing", "metadata": each, "spec": spec}
        fresh = FieldManager(kind, VERSIONS)
        assert manager.update(None, obj, "ctl", T0) == fresh.update(None, obj, "ctl", T0)
