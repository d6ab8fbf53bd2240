"""Time one case in this process, for `vosref.bench.alone`: ``python -m vosref.bench TASK``, TASK in JSON."""

import importlib
import json
import sys

name, case, implementation, options = json.loads(sys.argv[1])
suite = importlib.import_module(f"vosref.bench.{name}")
sys.stdout.write(json.dumps(suite.measured(suite.Case(*case), implementation, **options)) + "\n")
