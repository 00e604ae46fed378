"""The demo: the whole week on sample data, with real parts."""
