"""What runs beside the cache's server in its container: before it starts and before it stops."""
