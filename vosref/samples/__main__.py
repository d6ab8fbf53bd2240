"""Write every sample clip: ``python -m vosref.samples DIR``."""

import sys

from vosref.samples import main

sys.exit(main())
