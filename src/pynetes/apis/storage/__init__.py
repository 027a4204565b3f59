"""storage.k8s.io/v1: StorageClass, VolumeAttachment, the CSI kinds, VolumeAttributesClass.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
