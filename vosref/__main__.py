"""Run the command line as ``python -m vosref``."""

from vosref.cli import main

main()
