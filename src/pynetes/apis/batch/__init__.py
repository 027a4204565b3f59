"""batch/v1: Job and CronJob.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
