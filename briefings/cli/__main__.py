"""`python -m briefings.cli`, for processes that are started without the script."""

from briefings.cli import main

main()
