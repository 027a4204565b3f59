"""What every process of the cluster needs: clock, tasks, logs, metrics, health, certificates, feature gates.

The only package that may read the wall clock, sleep or spawn asyncio tasks; everything above goes through `clock` and
`tasks`, so that a whole cluster can run on a virtual clock. One module a concern. Imports nothing of Pynetes.
"""
