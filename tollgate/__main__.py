"""`python -m tollgate`: the command line."""

from tollgate.cli import main

main()
