"""The outside world, each part behind a small surface: HTTP, feeds, mail, templates, broker, catalogue files."""
