"""`python -m policyjwt`."""

from policyjwt.cli.main import main

main()
