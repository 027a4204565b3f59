"""The query and path parameters of API operations, in a form that both OpenAPI versions are written from."""

from functools import cache
from typing import Any, Literal

from msgspec import Struct

from pynetes.apimachinery.schema.definitions import definition

_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"


ValueType = Literal["string", "integer", "boolean"]


class Parameter(Struct, frozen=True):
    name: str
    type: ValueType = "string"
    place: Literal["query", "path"] = "query"
    description: str = ""

    @property
    def required(self) -> bool:
        return self.place == "path"


def _query(name: str, description: str, type: ValueType = "string") -> Parameter:
    return Parameter(name, type, "query", description)


_TEXTS = {
    parameter.name: parameter
    for parameter in (
        _query("allowWatchBookmarks", "Asks a watch for bookmark events: a resourceVersion only.", "boolean"),
        _query("continue", "The continue token of the previous page of a list."),
        _query("dryRun", "With the value All, the request runs through all stages but nothing is persisted."),
        _query("fieldManager", "The name of the actor that makes the change. Required for apply requests."),
        _query(
            "fieldValidation",
            "What to do about unknown and duplicate fields. Valid values are: - Ignore: drop them silently. - Warn: "
            "drop them and send a warning for each; the default. - Strict: refuse the request.",
        ),
        _query("fieldSelector", "Restricts the list of returned objects by their fields. Defaults to everything."),
        _query("force", "Takes over conflicting fields from other managers. For apply requests only.", "boolean"),
        _query("labelSelector", "Restricts the list of returned objects by their labels. Defaults to everything."),
        _query("limit", "The largest number of objects in one page of a list.", "integer"),
        _query("pretty", "Whether the answer is indented: 'true' or 'false'."),
        _query("resourceVersion", "The resourceVersion that a list or watch starts from."),
        _query("resourceVersionMatch", "How resourceVersion binds a list: Exact or NotOlderThan."),
        _query("sendInitialEvents", "Lets a watch begin with an event for every object that exists.", "boolean"),
        _query("shardSelector", "Restricts the objects to shards, by ranges of their hashes (alpha)."),
        _query("timeoutSeconds", "How long a list or watch may last.", "integer"),
        _query("watch", "Watch for changes to the described resources: a stream, not a list.", "boolean"),
    )
}

_FROM_DELETE_OPTIONS = (
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)

LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
)
CREATE = ("dryRun", "fieldManager", "fieldValidation")
UPDATE = CREATE
PATCH = (*CREATE, "force")
CUSTOM_GET = ("resourceVersion",)
DELETE = ("dryRun", *_FROM_DELETE_OPTIONS)
DELETE_COLLECTION = tuple(sorted({*LIST, *DELETE} - {"allowWatchBookmarks", "watch"}))


@cache
def query(name: str) -> Parameter:
    """A common query parameter."""
    if name in _FROM_DELETE_OPTIONS:
        schema: dict[str, Any] = definition(_DELETE_OPTIONS)["properties"][name]
        return Parameter(name, schema["type"], "query", schema["description"])
    return _TEXTS[name]


def in_path(name: str, kind: str) -> Parameter:
    texts = {
        "name": f"name of the {kind}",
        "namespace": "object name and auth scope, such as for teams and projects",
        "path": "path to the resource",
    }
    return Parameter(name, "string", "path", texts[name])


# What the connect subresources read from the query: they have no definition.
CONNECT: dict[str, tuple[Parameter, ...]] = {
    "attach": (
        Parameter("container", description="The container to attach to; the only one by default."),
        Parameter("stderr", "boolean", description="Whether standard error is sent. Defaults to true."),
        Parameter("stdin", "boolean", description="Whether standard input is read. Defaults to false."),
        Parameter("stdout", "boolean", description="Whether standard output is sent. Defaults to true."),
        Parameter("tty", "boolean", description="Whether the container has a terminal. Defaults to false."),
    ),
    "exec": (
        Parameter("command", description="The command and its arguments, not run in a shell."),
        Parameter("container", description="The container to run in; the only one by default."),
        Parameter("stderr", "boolean", description="Whether standard error is sent."),
        Parameter("stdin", "boolean", description="Whether standard input is read. Defaults to false."),
        Parameter("stdout", "boolean", description="Whether standard output is sent."),
        Parameter("tty", "boolean", description="Whether a terminal is allocated. Defaults to false."),
    ),
    "log": (
        Parameter("container", description="The container to read; the only one by default."),
        Parameter("follow", "boolean", description="Whether to go on with new lines. Defaults to false."),
        Parameter(
            "insecureSkipTLSVerifyBackend", "boolean", description="Whether the kubelet's certificate goes unchecked."
        ),
        Parameter("limitBytes", "integer", description="After how many bytes to stop."),
        Parameter("previous", "boolean", description="Whether to read the container's previous run."),
        Parameter("sinceSeconds", "integer", description="How far back in seconds the first line may be."),
        Parameter("stream", description="Which stream to read: All, Stdout or Stderr."),
        Parameter("tailLines", "integer", description="How many lines from the end to begin with."),
        Parameter("timestamps", "boolean", description="Whether each line begins with its time."),
    ),
    "portforward": (Parameter("ports", "integer", description="The ports to forward, for WebSocket clients."),),
    "proxy": (Parameter("path", description="The path of the URL to proxy to."),),
}
