"""The one node of the cluster, as objects name it."""

NODE = "kedro-sandbox"
# Pods share the machine's loopback, so this is every pod's address as well as the node's.
ADDRESS = "127.0.0.1"
