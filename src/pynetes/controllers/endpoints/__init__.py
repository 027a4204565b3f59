"""endpoints-controller and endpointslice-controller: the addresses behind every Service that has a selector.

Pure: `membership` (which pods, ports and addresses belong to a Service), `subsets` (Endpoints objects), `slices`
(EndpointSlices, changed as little as possible), `hints` (traffic distribution). `watching` maps changes of pods to
Services for both controllers.
"""
