"""Audit: who did what, when, and what came of it, as audit.k8s.io/v1 Events.

`policy` says what is noted of a request, `event` writes it down, `log` and `webhook` are where it goes, `batch`
collects events for those that take many at once, `truncate` keeps them small. `auditor` makes all of it out of the
configuration, of which `settings` says what is wrong, and `filters.audit` uses it. To add a backend: a `Backend` here
and its lines in `auditor.build`.
"""
