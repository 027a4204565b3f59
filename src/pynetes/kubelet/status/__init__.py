"""The status of pods as the API shows it.

Pure: `phase`, `conditions`, `container_statuses`, `pod_status` (all of them together), `merge` (what others own is
kept). Edge: `manager` keeps the latest of every pod and writes it, with as few requests as can be.
"""
