"""What Services take from the cluster: cluster IPs and node ports.

`ranges` says what there is to take, `allocator` draws members of a range, `claims` makes sure for all API servers on a
store that no two get the same: a key for each, created by its first taker. `families` settles IP families and fields
that belong together, `hooks` takes and gives back with the generic writes.
"""
