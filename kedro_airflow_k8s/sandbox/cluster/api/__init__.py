"""The API server of the emulated Kubernetes: its objects, its rules and its answers."""
