"""Pure: from what the pods of a probe left to how each cell, each endpoint and the probe is.

`envelope` reads what pods left and makes runs of it; `verdict` takes these in and says what status holds. The parts
that it asks: `column` (one run, one mark for each cell), `history` with `streak` and `buckets` (what a cell remembers),
`judge` (how one cell is), `maintenance`, `blame` and `endpoints` (whose fault it is), `health` (the condition).
`marks`, `limits` and `reasons` are also for those who show it. docs/probes.md has the rules in words.
"""
