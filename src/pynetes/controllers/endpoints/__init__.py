"""endpoints-controller and endpointslice-controller: the addresses behind every Service that has a selector.

endpointslice-mirroring-controller repeats Endpoints of the others, which users write, as slices.

Pure: `membership` (which pods, ports and addresses belong to a Service), `subsets` (Endpoints objects), `slices`
(EndpointSlices, changed as little as possible), `hints` (traffic distribution), `mirror` (slices repeating Endpoints).
`watching` maps changes of pods to Services for the first two; `ownslices` reads and writes the slices of the last two.
"""
