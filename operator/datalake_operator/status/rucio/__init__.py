"""What is true of a RucioServer: ordered chains of small pure functions."""
