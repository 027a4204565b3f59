"""admissionregistration.k8s.io/v1: webhook configurations and admission policies.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
