"""`python -m seldon_deployer.server [MODULE.Class] --http-port N`."""

import os
import sys

from seldon_deployer.server.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
