"""What Services take from the cluster: cluster IPs and node ports.

`allocator` hands out members of a range, `families` settles IP families and fields that belong together, `hooks` takes
and gives back with the generic writes. All state is in memory and rebuilt from the store at start; taking happens
without awaiting, so two writes never get the same.
"""
