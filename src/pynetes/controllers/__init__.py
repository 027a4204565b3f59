"""The controller manager: loops that drive the cluster's state towards its objects' specs.

One file or package per controller, under upstream's names; `registry.CONTROLLERS` names them all, `manager.run` runs
them. To add one: a module with a `BaseController` subclass (informers in, `sync(key)`, decisions as pure functions in
the same package), and one line in the table. What controllers of pods share is in `podcontrol`.

Must not import: the store, the API server, any other component. All reach the cluster through `client` alone.
"""
