"""Subresources that are not objects: log, exec, attach, portforward and proxy of pods, services and nodes.

`kubelet` finds a node's kubelet and talks to it; `takeover` and `websocket` take a client's connection over; `log`,
`exec`, `portforward` and `proxy` serve the subresources: each has a class whose methods are given a request and names
and give an `http.Answer`. `switch` passes on what a server says that was asked to switch protocols, `links` puts the
paths of proxied pages right, `containers` picks the container that is meant. Authorization and CONNECT admission come
before, in the endpoints. Must not import the registry or the edge.
"""
