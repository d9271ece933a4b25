#!/usr/bin/env python3
"""The events of Tests/PrismRunsTests/TensorBoardEventsTests.swift as TensorBoard's own writer writes them.

    .venv-conformance/bin/python Scripts/goldens/tensorboard_goldens.py
"""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismRunsTests/Goldens"
GOLDENS.mkdir(parents=True, exist_ok=True)


def metrics(step, **values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=step, step=step, summary=summary)


with open(GOLDENS / "events.out.tfevents.golden", "wb") as file:
    writer = RecordWriter(file)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    writer.write(metrics(1, fvu=0.75, l0=32).SerializeToString())
    writer.write(metrics(300, fvu=0.1, dead_fraction=0).SerializeToString())
