"""The watch of our custom resources, which kopf hosts. It hands bodies to the stores and decides nothing."""
