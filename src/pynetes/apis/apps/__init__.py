"""apps/v1: Deployment, ReplicaSet, StatefulSet, DaemonSet, ControllerRevision.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
