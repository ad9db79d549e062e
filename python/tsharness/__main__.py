"""``python -m tsharness``"""

from tsharness.cli.main import main

main()
