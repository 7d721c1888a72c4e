"""Run the command as ``python -m difwatch``."""

from difwatch.cli.app import main

if __name__ == "__main__":
    main()
