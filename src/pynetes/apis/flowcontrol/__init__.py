"""flowcontrol.apiserver.k8s.io/v1: FlowSchema and PriorityLevelConfiguration.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
