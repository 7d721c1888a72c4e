"""The status for a metrics collector, in the text format of Prometheus.

Names follow the conventions of Prometheus: a base unit at the end, ``_total`` for counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from difwatch.report.status import Status
from difwatch.shown import shown

Sample = tuple[Mapping[str, str], float]


def text_metrics(status: Status) -> Iterator[str]:
    """Yield the metrics of a status, each with its meaning."""
    folders = [({"folder": shown(folder.path)}, folder) for folder in status.folders]
    yield from _family("difwatch_up", "gauge", "1 while the daemon runs.", [({}, status.state != "stopped")])
    healthy: list[Sample] = [({}, status.state == "running")]
    yield from _family("difwatch_healthy", "gauge", "1 while everything is watched.", healthy)
    yield from _family(
        "difwatch_folder_online",
        "gauge",
        "0 while a folder is away.",
        [(labels, folder.state != "offline") for labels, folder in folders],
    )
    yield from _family(
        "difwatch_files", "gauge", "Files known in a folder.", [(labels, folder.files) for labels, folder in folders]
    )
    yield from _family(
        "difwatch_unreadable_files",
        "gauge",
        "Files without a tensor.",
        [(labels, folder.unreadable) for labels, folder in folders],
    )
    yield from _family("difwatch_pictures", "gauge", "Distinct pictures known.", [({}, status.index_size)])
    yield from _family("difwatch_matches", "gauge", "Pairs of pictures remembered.", [({}, status.matches)])
    yield from _family(
        "difwatch_queue_files",
        "gauge",
        "Files on the way, by stage.",
        [({"stage": stage}, count) for stage, count in asdict(status.queue).items()],
    )
    yield from _family(
        "difwatch_losses_total",
        "counter",
        "Events that were lost and answered by a walk, by cause.",
        [({"cause": cause}, count) for cause, count in status.losses.items()],
    )
    for name, moment in (("scan", status.last_scan), ("rescan", status.last_rescan)):
        if moment is not None:
            at = datetime.fromisoformat(moment).timestamp()
            text = f"When the last complete {name} ended."
            yield from _family(f"difwatch_last_{name}_timestamp_seconds", "gauge", text, [({}, at)])


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{f'{{{inside}}}' if inside else ''} {float(value):.10g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
