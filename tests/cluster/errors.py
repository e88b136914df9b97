"""What can go wrong with a test cluster, in words for the person who started it."""


class ClusterError(RuntimeError):
    """The cluster could not do what was asked; the message says what to mend."""


class NotPossible(ClusterError):
    """This sort of cluster cannot do this (say, stop the API server of a cluster that is somebody else's)."""
