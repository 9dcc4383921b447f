"""python -m saectl_bridge"""

from .cli import main

main()
