"""A public product: what tests of clusters, controllers and networks are made of.

`cluster` is a control plane inside a test, with `hollow` nodes, into which `manifests` brings objects from files;
`fixtures` are what pytest makes of it. `netns` makes hosts out of network namespaces, `cni` gives pods on them a
network, `images` makes container images out of files, `apiserver` sets up a server on loopback. One concept a module;
nothing of Pynetes but `cli` and tests imports it.
"""
