"""The API of the operator: pydantic models that are the truth of the CRDs, and nothing else.

Ground floor: this package imports nothing else of ours, does no I/O and knows no clock.
"""
