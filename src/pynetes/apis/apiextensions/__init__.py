"""apiextensions.k8s.io/v1: CustomResourceDefinition.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
