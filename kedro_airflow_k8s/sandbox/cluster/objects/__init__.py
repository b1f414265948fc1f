"""The objects of a cluster: where they are stored, how they are named, and why one is refused."""
