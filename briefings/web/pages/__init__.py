"""What visitors and subscribers see."""
