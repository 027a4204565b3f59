"""node-lifecycle-controller and taint-eviction-controller: nodes that fall silent, and the pods on them.

Pure: `health` (whether a node still reports), `taints` (which taints its conditions ask for), `zones` (how many nodes
of a zone are down, and how fast to react), `tolerations` (how long a pod bears its node's taints). `controller` and
`tainteviction` act.
"""
