"""The tables and the queries that belong to them, a file a noun."""
