"""Rules and the dashboard for what the operator exports: generated, so that they follow the metrics."""
