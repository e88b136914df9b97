"""Pure: the result envelope of a probe, windows and streaks, blame."""
