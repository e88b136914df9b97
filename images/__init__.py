"""The container images, and what builds them."""
