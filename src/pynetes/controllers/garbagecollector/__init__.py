"""garbage-collector-controller: deletes what has lost its owners, of whatever type the cluster serves.

`graph` (who owns whom, and whom a change concerns) and `references` (what an object's owner references say about its
fate) are pure; `monitors` follows every resource type that can be deleted; `controller` asks and acts.
"""
