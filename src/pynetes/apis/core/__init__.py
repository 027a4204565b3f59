"""The core group, v1: pods and all that they need. A file a kind; `pod_*.py` and `container*.py` are shared by every
kind with a pod template. New kind: its strategy in its own file, its columns, one entry in `resources.py`.
"""
