"""An expression's text, places in it, and what is wrong there, in the form that clients of the original know."""

from msgspec import Struct

_MAX_SNIPPET = 16384
_MAX_ERRORS = 100


class CompileError(Exception):
    """An expression that cannot be compiled; `str()` is the whole of the original's text, `issues` its parts."""

    def __init__(self, text: str, issues: list["Issue"]) -> None:
        super().__init__(text)
        self.issues = issues


class Issue(Struct):
    """`position` is an offset in code points; -1 where there is no place for it."""

    position: int
    message: str


class Source:
    """The text and what was found wrong in it so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.issues: list[Issue] = []

    def report(self, position: int, message: str) -> None:
        self.issues.append(Issue(position, message))

    def location(self, position: int) -> tuple[int, int]:
        """Line from 1, column from 0."""
        if position < 0:
            return -1, -1
        before = self.text[:position]
        line = before.count("\n") + 1
        return line, position - (before.rfind("\n") + 1)

    def check(self) -> None:
        """Raises what has been reported."""
        if self.issues:
            raise CompileError(self.display(), self.issues)

    def display(self) -> str:
        shown = sorted(self.issues[:_MAX_ERRORS], key=lambda issue: self.location(issue.position))
        lines = [self._display(issue) for issue in shown]
        if len(self.issues) > _MAX_ERRORS:
            lines.append(f"{len(self.issues) - _MAX_ERRORS} more errors were truncated")
        return "\n".join(lines)

    def _display(self, issue: Issue) -> str:
        line, column = self.location(issue.position)
        text = f"ERROR: <input>:{line}:{column + bool(self.text)}: {issue.message}"
        if line < 1 or not self.text:
            return text
        snippet = self.text.split("\n")[line - 1].replace("\t", " ")
        if len(snippet) > _MAX_SNIPPET:
            return text
        # Wide characters get wide marks under them, so that the arrow stands where it points to.
        marks = "".join("\uff0e" if ord(char) > 127 else "." for char in snippet[:column])
        wide = column < len(snippet) and ord(snippet[column]) > 127
        arrow = "\uff3e" if wide else "^"
        return f"{text}\n | {snippet}\n | {marks}{arrow}"
