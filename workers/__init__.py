"""Thin Celery: the app, its queues, its schedule, and a task for each action."""
