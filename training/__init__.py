"""Scripts that make what the product ships, from labels."""
