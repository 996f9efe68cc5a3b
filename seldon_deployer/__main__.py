"""`seldon-deployer`, also as `python -m seldon_deployer`."""

import sys

from seldon_deployer.cli.run import run


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
