"""What the image of PostgreSQL runs: the server, its check, backups and restores."""
