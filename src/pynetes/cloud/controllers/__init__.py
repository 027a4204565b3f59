"""Upstream's cloud controllers, each beside the pure decisions it carries out.

`cloudnode` (with `nodechanges`), `nodelifecycle`, `service` (with `servicechanges`), `route` (with `routeplan`), and
`nodepredicates`, which says what nodes traffic from outside may enter by. Must not import a provider.
"""
