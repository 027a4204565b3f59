"""Aggregation: group versions that another API server serves, behind this one.

An APIService with `spec.service` names a group version and the Service behind which its server (an extension) listens:

    extension      what an APIService says: group version, Service, trust, priorities
    connection     TLS and HTTP to an extension, with the front proxy's certificate and the headers that state the user
    proxy          requests of clients go on to the extension, streams and upgrades included
    availability   whether the extension can be used, and why not: the Available condition
    discovery      what the extension serves, for this server's own discovery
    openapi        what the extension describes, for this server's own OpenAPI documents
    aggregator     follows the APIServices; one task an extension keeps all of the above true
    priorities     the order of groups and versions
    registration   local APIServices: one for every group version that this server serves itself
"""
