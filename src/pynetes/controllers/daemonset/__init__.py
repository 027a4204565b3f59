"""daemonset-controller: one pod on every node that fits.

Pure: `placement` (which nodes should run a pod, and the pod for a node), `plan` (pods to create and delete, rolling
updates). `controller` acts.
"""
