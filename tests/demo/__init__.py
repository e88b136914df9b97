"""`make demo`: a real cluster, the operator, and a first cache that serves a real file.

The end-to-end tests use the parts of this package, so that what the demo shows is what is tested.
"""
