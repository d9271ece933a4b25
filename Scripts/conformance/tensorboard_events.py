#!/usr/bin/env python3
"""Check that TensorBoard reads a run's event files and finds in them what metrics.jsonl holds.

    tensorboard_events.py runs/demo        # a run made with --tensorboard; of several dictionaries all are checked

Values must be equal as 32-bit floats, each step once and in order. Prints a line for each dictionary.
"""

import json
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

logs = sorted(Path(sys.argv[1]).glob("**/metrics.jsonl"))
if not logs:
    sys.exit(f"there is no metrics.jsonl in {sys.argv[1]}")
for log in logs:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = EventAccumulator(str(log.parent), size_guidance={"tensors": 0, "scalars": 0}).Reload()
    names = sorted(lines[0].keys() - {"step"})
    found = sorted(events.Tags()["scalars"])
    if found != names:
        sys.exit(f"{log.parent}: TensorBoard finds {found}, expected {names}")
    for name in names:
        read = [(event.step, np.float32(event.value)) for event in events.Scalars(name)]
        if read != [(line["step"], np.float32(line[name])) for line in lines]:
            sys.exit(f"{log.parent}: {name} differs")
    print(f"{log.parent}: {len(names)} metrics at {len(lines)} steps are as written")
