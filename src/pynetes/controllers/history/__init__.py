"""ControllerRevisions: the templates that a DaemonSet or StatefulSet had, so that it can be rolled back.

`revisions` is pure; `History` reads and writes them for one owner.
"""
