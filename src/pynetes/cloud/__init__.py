"""The cloud controller manager's place: empty so far.

Its provider interface (instances, zones, load balancers, routes), upstream's node, node-lifecycle, service and route
controllers and the provider `local` belong here. Must not import the store or any other component.
"""
