"""Briefings: a personal weekly email that joins a 12-week plan to the week's AI news."""
