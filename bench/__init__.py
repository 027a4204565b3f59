"""Measurements of Pynetes: one file a measurement, run by `python -m bench [NAME…]`; results in docs/benchmarks.md.

A measurement is a module with a function that takes `frame.Options` and returns `frame.Table`s, and one line in
`bench.__main__.MEASUREMENTS`. Every one measures an anchor in the same run, in turn with the thing itself: machines
are noisy and differ, ratios hold. It uses loopback or network namespaces that it makes, ends, and leaves nothing
behind. Nothing in `pynetes` imports this package.

`frame` is what they share, `load` the generator of API requests (a process of its own), `servers` the servers that
are measured, `etcd` and `bare` bare engines, `machine` a cluster in a network namespace.
"""
