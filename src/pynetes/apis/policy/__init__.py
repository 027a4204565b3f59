"""policy/v1: PodDisruptionBudget.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
