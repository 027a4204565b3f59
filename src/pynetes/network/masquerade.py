"""What leaves the cluster carries the node's address. Pure text of one nftables table."""

TABLE = "ip pynetes-network"

DELETE = f"add table {TABLE}\ndelete table {TABLE}\n"


def ruleset(pod_cidr: str, cluster_cidr: str) -> str:
    """Replaces the table: pods of this node are masqueraded towards everything but pods."""
    return (
        DELETE
        + f"""
table {TABLE} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {pod_cidr} ip daddr != {{ {cluster_cidr}, 224.0.0.0/4 }} masquerade fully-random
  }}
}}
"""
    )
