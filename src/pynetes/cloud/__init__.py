"""The cloud controller manager: what of a cluster is a cloud's business, against an interface that clouds implement.

`interface` is what a provider implements; `providers` finds it by its entry point and holds the one that comes along
(`local`, for clusters without a cloud). `controllers` are upstream's four, under upstream's names; `registry` lists
them and a provider's own, and `manager.run` runs them. `customresources` installs a provider's own API, `rights` says
what the manager's user must be permitted.

To add a provider: a package of your own with an entry point in the group `pynetes.cloud_providers`; see
`docs/write-a-cloud-provider.md`. To add a controller: a module in `controllers` and a line in `registry`.

Must not import: the store, any other component.
"""
