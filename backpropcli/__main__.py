"""``python -m backpropcli``."""

from .cli.main import main

main()
