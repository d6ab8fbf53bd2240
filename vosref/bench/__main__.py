"""Time one case in this process: ``python -m vosref.bench CASE IMPLEMENTATION THREADS``, for `vosref bench`."""

import json
import sys

from vosref.bench.networks import CASES, measure

index, implementation, threads = sys.argv[1:]
sys.stdout.write(json.dumps(measure(CASES[int(index)], implementation, int(threads))) + "\n")
