"""From a pod's spec and the runtime's state to running containers (upstream: kuberuntime).

Pure: `compute_actions` (what to do), `restart_policy`, `sandbox_config`, `container_config`, `security_context`,
`resources`, `termination_order`, `labels`. Edges: `manager` carries actions out, `starter` starts a container,
`killer` ends one, `hooks` runs lifecycle handlers. What must outlive the kubelet lies in the runtime, as labels and
annotations.
"""
