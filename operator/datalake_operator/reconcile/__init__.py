"""The engine: a keyed queue, the pipeline, a short module per kind. Level-triggered: it reads stores, not events."""
