"""An emulated Kubernetes whose pods are processes of this machine. It imports nothing else of this package."""
