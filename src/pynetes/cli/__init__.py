"""The `pynetes` command: the only place that wires components together.

    main, commands                     the entry point and the command line
    up, server, agent, join, down      what commands do, a module each: from nothing to a cluster or a node, and back
    store, tokens, members             …and looking after one that runs; `status` is a package
    components, single                 every component as a coroutine, and as a command of its own with its flags
    cluster, processes, supervisor     what components are told, in which processes they run, who restarts them
    etcd, etcdmember, etcdkeeper       the etcd that we run ourselves; `etcdrestore` while the cluster is stopped
    controlplane, hosts                further control planes; several machines on one
    settings, layout, storeurl         what a cluster was made with, and where its files lie
    preflight, readiness, progress     what the machine must have, waiting, what the user sees
    addons, cloud, kubeconfigs         what a new cluster is given
    flags, flagvalues                  flags out of configurations, read as Go reads them

To add a component: its `run` in its own package, a function in `components`, a command in `single`, and a line in
`processes` if `up` shall start it. May import everything; nothing imports it.
"""
