"""What an XRootD cache says about itself, as Prometheus metrics and as one JSON for the operator."""
