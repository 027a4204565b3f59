"""The `pynetes` command: the only place that wires components together.

`main` is the entry point, `commands` the command line; one module does what a command says (`up`, `down`, `status`),
one runs all components (`components`), whose own commands are in `single`. What the commands share: `layout` (where
everything lies), `preflight` (what the machine must have), `supervisor` (one process a component), `progress` (what the
user sees), `cleanup` (what `down` removes).

To add a component: its `run` in its own package, a function in `components`, a command in `single`, and an entry in
`cluster.processes` if `up` shall start it. May import everything; nothing imports it.
"""
