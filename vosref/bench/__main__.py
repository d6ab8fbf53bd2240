"""Time one case in this process, for `vosref.bench.networks`: ``python -m vosref.bench TASK``, TASK in JSON."""

import json
import sys

from vosref.bench.networks import Case, measure

case, implementation, weights, threads = json.loads(sys.argv[1])
sys.stdout.write(json.dumps(measure(Case(*case), implementation, weights, threads)) + "\n")
