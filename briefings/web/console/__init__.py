"""What staff use. Every route here is behind the login; see `sessions`."""
