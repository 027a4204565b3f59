"""Fuzzing of what reads clients' bytes, with atheris: `python -m fuzz [NAME…]`, or `make fuzz`.

A target is a module with `SEEDS`, examples to start from, `TOKENS`, words that are worth trying, and `check(data)`,
which reads the bytes as a server would. Whatever `check` raises is a finding: it lets through only the errors that the
readers document, and asserts what must hold of what they accept. A line in `fuzz.__main__.TARGETS` makes it known;
`tests/fuzz` runs every target over its seeds. Inputs that broke something become tests of the reader. Nothing in
`pynetes` imports this package.
"""
