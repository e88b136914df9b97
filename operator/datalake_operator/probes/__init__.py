"""Pure: the result envelope of a probe, windows and streaks, blame. Nothing stands here until probes are served."""
