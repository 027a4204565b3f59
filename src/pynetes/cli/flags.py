"""Command-line flags out of a component's config (a Struct): a field `node_ip` is the flag `--node-ip`.

Types and defaults are the field's, the help text is what stands beside it in the source (a `#:` comment above or a
string below it), so that a setting is described in one place.
"""

import ast
import inspect
import platform
import textwrap
import types
import typing
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from pynetes import KUBERNETES_VERSION, __version__
from pynetes.apimachinery.flagtext import flag_text
from pynetes.cli import flagvalues
from pynetes.component import features
from pynetes.component.features import parse_bool

T = TypeVar("T")

_BARE: dict[Any, Any] = {
    str: flagvalues.TEXT,
    int: flagvalues.INTEGER,
    float: flagvalues.SECONDS,
    bool: bool,
    Path: flagvalues.PATH,
}
_VERSION = "--version"


class ComponentCommand(click.Command):
    """Reads a command line as the originals do, and complains in their words: `--anonymous-auth=false` is
    `--no-anonymous-auth`, `_` in a flag is `-`, `--version` tells the version.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        switches = {p.opts[0]: p.secondary_opts[0] for p in self.params if p.secondary_opts}
        asked = [_as_switch(_dashed(arg), switches) for arg in args]
        for arg in asked:
            if arg.partition("=")[0] == _VERSION:
                _tell_version(ctx, arg.partition("=")[2] or "true")
        try:
            return super().parse_args(ctx, [arg for arg in asked if arg.partition("=")[0] != _VERSION])
        except click.NoSuchOption as error:
            raise click.UsageError(f"unknown flag: {error.option_name}", ctx) from None
        except click.BadOptionUsage as error:
            if not error.message.endswith("requires an argument."):
                raise
            raise click.UsageError(f"flag needs an argument: {error.option_name}", ctx) from None


def _dashed(arg: str) -> str:
    if not arg.startswith("--"):
        return arg
    flag, equals, value = arg.partition("=")
    return flag.replace("_", "-") + equals + value


def _as_switch(arg: str, switches: Mapping[str, str]) -> str:
    flag, equals, value = arg.partition("=")
    if flag not in switches or not equals:
        return arg
    try:
        return flag if parse_bool(value) else switches[flag]
    except ValueError as error:
        flagvalues.complain(value, flag, error)


def _tell_version(ctx: click.Context, value: str) -> None:
    """`--version` ends the command; what reports another version than it has is refused."""
    if value == "raw":
        click.echo(f"Kubernetes {KUBERNETES_VERSION}, pynetes {__version__}, Python {platform.python_version()}")
        ctx.exit()
    if value.startswith("v"):
        if value.partition("-")[0].partition("+")[0] != KUBERNETES_VERSION:
            told = f'version "{value}" must match major/minor/patch of default version "{KUBERNETES_VERSION}"'
            flagvalues.complain(value, _VERSION, told)
        return
    try:
        wanted = parse_bool(value)
    except ValueError as error:
        flagvalues.complain(value, _VERSION, error)
    if wanted:
        click.echo(f"Kubernetes {KUBERNETES_VERSION}")
        ctx.exit()


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
        if value is not None and value != ():
            text = ",".join(value) if isinstance(value, tuple) else value
            given[field.name] = _converted(text, field.type)
    return config(**(given | more))


def flag_name(field: str, rename: Mapping[str, str] | None = None) -> str:
    return "--" + (rename or {}).get(field, field.replace("_", "-"))


def values_of(config: Any, rename: Mapping[str, str] | None = None) -> dict[str, str]:
    """The flags that a config stands for, without their dashes, as `/flagz` shows them."""
    return {
        flag_name(field.name, rename).removeprefix("--"): flag_text(getattr(config, field.name))
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
        told = f"{help_text} Separated by commas.".strip()
        # Given several times, lists and mappings grow; a range has two ends.
        several = int not in typing.get_args(field.type)
        read = flagvalues.Value("list", partial(_checked, field.type))
        return click.option(flag, field.name, type=read, default=None, multiple=several, help=told)
    return None


def _checked(hint: Any, text: str) -> str:
    """The text, if it can be read; ValueError."""
    _converted(text, hint)
    return text


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
    """A flag's text as the field has it; ValueError, in Go's words."""
    base = _base(hint)
    if not isinstance(value, str) or base in _BARE:
        return value
    arms = [arm for arm in typing.get_args(hint) if arm is not ...]
    if base is tuple:
        item = arms[0] if arms else str
        if typing.get_origin(item) is not None:
            return tuple(_taint(part) for part in value.split(",") if part)
        if item is int:
            return tuple(flagvalues.integer(part.strip()) for part in value.replace("-", ",", 1).split(","))
        return tuple(item(part) for part in value.split(",") if part != "")
    kind = arms[1] if len(arms) == 2 else str
    if kind is bool:
        return features.parse(value)
    pairs = {}
    for part in filter(None, value.split(",")):
        key, equals, text = part.partition("<" if "<" in part else "=")  # thresholds: memory.available<100Mi
        if not equals and kind is not str:
            raise ValueError(f"{part} must be formatted as key=value")
        pairs[key] = flagvalues.seconds(text) if kind is float else text
    return pairs


def _taint(text: str) -> dict[str, str]:
    """`key=value:NoSchedule`, `key:NoSchedule`."""
    pair, colon, effect = text.rpartition(":")
    if not colon:
        raise ValueError(f"invalid taint spec: {text}")
    key, _, value = pair.partition("=")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


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
