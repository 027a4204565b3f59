"""The command line: one module a group of commands, which tell click what a user may type and call what does it.

`options` has what several commands take, `told` turns errors into plain words. To add a command: a function in the
module of its group, or a new module whose commands `cli.main` adds. Nothing here imports a component, or what starts
one, at its top: commands must answer fast. Components that run alone are in `cli.single`.
"""
