"""Time one case in this process, for `vosref.bench.alone`: ``python -m vosref.bench TASK``, TASK in JSON."""

import importlib
import json
import sys

from vosref.bench.alone import measure

name, case, implementation, options = json.loads(sys.argv[1])
suite = importlib.import_module(f"vosref.bench.{name}")
sys.stdout.write(json.dumps(measure(suite.prepared(suite.Case(*case), implementation, **options))) + "\n")
