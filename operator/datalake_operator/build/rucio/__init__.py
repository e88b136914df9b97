"""From a RucioServer to its children."""
