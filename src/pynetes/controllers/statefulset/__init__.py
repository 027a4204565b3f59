"""statefulset-controller: pods with names, order and volumes of their own.

Pure: `identity` (names, labels and claims of an ordinal), `plan` (what to do next, and the status). `claims` keeps
PersistentVolumeClaims, `controller` acts.
"""
