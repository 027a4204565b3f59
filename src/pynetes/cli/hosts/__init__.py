"""Several machines on one: `pynetes up --nodes N --masters M`, and `pynetes node`.

A *host* is what a separate machine would be: a process tree in network, mount, PID, IPC and UTS namespaces of its own,
whose first process (`init`) runs `pynetes server` or `pynetes agent` as a user would there, with default paths, and
reaps. Killing that process is a power cut. Its disk (`/var`) is a directory of the machine's, its `/run` and `/tmp` are
empty after every boot; programs and `/etc` are the machine's. Master hosts (`master-1`, …) run the control plane, node
hosts (`node-1`, …) the pods; they join each other as separate machines do.

The machine itself has a bridge with a cable (veth) to every host, masquerade towards the outside, the image registry
if wanted, and a balancer that gives the API servers one address.

    plan        names, addresses, what a cluster grows to: pure       record     the hosts of a cluster, on disk
    ranges      which addresses are free on this machine              places     a host's files, seen from the machine
    commands    what a host's init runs: pure                         joining    what a new host joins with
    isolation   namespaces and mounts of a host                       init       its first process
    boot        from nothing to a host that runs                      power      on, off, cut
    network     bridge, cables, masquerade                            machine    processes of the machine itself
    balancer    TCP connections to servers that are healthy           behalf     what only a master's machine knows
    start, stop, nodes   the commands `up`, `down` and `node`
"""
