"""namespace-controller: deletes all that a terminating namespace holds, then lets the namespace go.

`conditions` says what is left (pure), `content` deletes, `controller` decides when.
"""
