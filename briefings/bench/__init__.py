"""How fast the real path is: `briefings bench`."""
