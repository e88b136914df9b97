"""Kubernetes operator for scientific data lake services."""

__version__ = "0.1.0"
