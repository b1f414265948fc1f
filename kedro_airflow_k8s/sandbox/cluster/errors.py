"""What goes wrong with the cluster itself, rather than with an object in it."""


class ClusterError(Exception):
    """The cluster cannot start or end; the text says why, for whoever runs it."""
