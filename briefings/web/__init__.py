"""The pages: what visitors and subscribers see, what staff use, what mail providers call."""
