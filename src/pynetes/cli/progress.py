"""What a user sees of a long command: one line a step, with its time; on a terminal a spinner while it runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from pynetes.component import clock


class Step:
    """A running step: `note` changes what is shown while it runs, `result` what stays when it is done."""

    def __init__(self, title: str, spinner: Status | None) -> None:
        self.title = title
        self.result = ""
        self._spinner = spinner

    def note(self, text: str) -> None:
        if self._spinner is not None:
            self._spinner.update(f"{self.title}  [dim]{text}[/dim]")


class Progress:
    """Prints `✓ title  result  1.2 s` for each step; a step that raises prints `✗ title` and lets the error pass."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=False, highlight=False, quiet=quiet)
        self._began = clock.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        began = clock.monotonic()
        spinner = self.console.status(title) if sys.stdout.isatty() else None
        step = Step(title, spinner)
        if spinner:
            spinner.start()
        try:
            yield step
        except BaseException:
            if spinner:
                spinner.stop()
            self.console.print(f"[red]✗[/red] {title}")
            raise
        if spinner:
            spinner.stop()
        took = clock.monotonic() - began
        result = f"  [dim]{step.result}[/dim]" if step.result else ""
        self.console.print(f"[green]✓[/green] {title}{result}  [dim]{took:.1f} s[/dim]")

    def say(self, text: str = "") -> None:
        self.console.print(text)

    @property
    def elapsed(self) -> float:
        """Seconds since this display began."""
        return clock.monotonic() - self._began
