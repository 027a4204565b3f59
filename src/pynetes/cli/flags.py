"""Command-line flags out of a component's config (a Struct): a field `node_ip` is the flag `--node-ip`.

Types and defaults are the field's, the help text is what stands beside it in the source (a `#:` comment above or a
string below it), so that a setting is described in one place.
"""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

T = TypeVar("T")

_BARE: dict[Any, Any] = {str: str, int: int, float: float, bool: bool, Path: click.Path(path_type=Path)}


_YES = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_NO = frozenset(("0", "f", "F", "FALSE", "false", "False"))


class ComponentCommand(click.Command):
    """Takes switches as the originals do, too: `--anonymous-auth=false` is `--no-anonymous-auth`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        switches = {p.opts[0]: p.secondary_opts[0] for p in self.params if p.secondary_opts}
        return super().parse_args(ctx, [_as_switch(arg, switches) for arg in args])


def _as_switch(arg: str, switches: Mapping[str, str]) -> str:
    flag, _, value = arg.partition("=")
    if flag not in switches:
        return arg
    return flag if value in _YES else switches[flag] if value in _NO else arg


def flags_of(
    config: type, *, skip: Collection[str] = (), rename: Mapping[str, str] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a click command one option for each field that has a flag's form."""
    texts = descriptions(config)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(fields(config)):
            if field.name in skip:
                continue
            flag = flag_name(field.name, rename)
            option = _option(field, flag, texts.get(field.name, ""))
            function = option(function) if option else function
        return function

    return decorate


def config_from(config: type[T], values: Mapping[str, Any], **more: Any) -> T:
    """The config that parsed flags stand for; flags that were not given keep the field's default."""
    given = {}
    for field in fields(config):  # type: ignore[arg-type]
        value = values.get(field.name)
        if value is not None:
            given[field.name] = _converted(value, field.type)
    return config(**(given | more))


def flag_name(field: str, rename: Mapping[str, str] | None = None) -> str:
    return (rename or {}).get(field, "--" + field.replace("_", "-"))


def values_of(config: Any, rename: Mapping[str, str] | None = None) -> dict[str, str]:
    """The flags that a config stands for, without their dashes, as `/flagz` shows them."""
    return {
        flag_name(field.name, rename).removeprefix("--"): _shown(getattr(config, field.name))
        for field in fields(config)
    }


def _option(field: FieldInfo, flag: str, text: str) -> Callable[..., Any] | None:
    default = _default(field)
    shown = _shown(default)
    help_text = f"{text} " if text else ""
    help_text += f"[default: {shown}]" if shown else ""
    base = _base(field.type)
    if base is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=help_text)
    if base in _BARE:
        return click.option(flag, field.name, type=_BARE[base], default=None, help=help_text)
    if base is tuple or typing.get_origin(field.type) is not None:
        return click.option(flag, field.name, type=str, default=None, help=f"{help_text} Separated by commas.".strip())
    return None


def _default(field: FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return None


def _shown(default: Any) -> str:
    if default is None or default == "" or default == () or default == {}:
        return ""
    if isinstance(default, Mapping):
        return ",".join(f"{key}={value}" for key, value in default.items())
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _base(hint: Any) -> Any:
    """`Path | None` → Path; `tuple[str, ...]` → tuple."""
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    return typing.get_origin(hint) or hint


def _converted(value: Any, hint: Any) -> Any:
    base = _base(hint)
    if base is tuple:
        item = next((arm for arm in typing.get_args(hint) if arm is not ...), str)
        parts = [part.strip() for part in value.replace("-", ",", 1).split(",")] if item is int else value.split(",")
        return tuple(item(part) for part in parts if part != "")
    if isinstance(value, str) and base not in _BARE:
        values = typing.get_args(hint)
        kind = values[1] if len(values) == 2 else str
        pairs = dict(part.split("=", 1) for part in value.split(",") if part)
        return {key: _parsed(text, kind) for key, text in pairs.items()}
    return value


def _parsed(text: str, kind: Any) -> Any:
    return text.lower() == "true" if kind is bool else kind(text) if kind in (int, float) else text


def descriptions(config: type) -> dict[str, str]:
    """Field → what the source says of it, be it a base's."""
    structs = [base for base in reversed(config.__mro__) if issubclass(base, Struct) and base is not Struct]
    return {name: text for base in structs for name, text in _own_descriptions(base).items()}


def _own_descriptions(config: type) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(config))
    lines = source.splitlines()
    body = typing.cast(ast.ClassDef, ast.parse(source).body[0]).body
    found = {}
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        text = _comment_above(lines, statement.lineno - 1)
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = str(following.value.value)
        if text:
            found[statement.target.id] = " ".join(text.split())
    return found


def _comment_above(lines: list[str], number: int) -> str:
    """The `#:` lines directly above line `number` (counted from 0)."""
    texts: list[str] = []
    while number > 0 and lines[number - 1].strip().startswith("#:"):
        number -= 1
        texts.insert(0, lines[number].strip()[2:].strip())
    return " ".join(texts)
