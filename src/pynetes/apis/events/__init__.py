"""events.k8s.io/v1: Event, stored once with the core group's.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
