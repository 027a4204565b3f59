"""Assigns pods to nodes: upstream's scheduling framework, columnar.

    informers ──► `cache` (writes) ──► `snapshot` (nodes as rows of arrays)
    `queue` ──pop──► `algorithm.schedule(snapshot, pod, profile) → Decision` (pure) ──► bind, or back to the queue

Nodes are rows of NumPy arrays, labels and taints columns of interned values: a plugin filters or scores all nodes at
once. Plugins bear upstream's names and meanings; to add one, write a file in `plugins/` with a class that has some of
`framework`'s methods, and name it in `plugins.DEFAULT`. `scheduler` is the loop; `nominator` knows the pods for which
it made room by eviction. Reaches the cluster through `client` alone.
"""
