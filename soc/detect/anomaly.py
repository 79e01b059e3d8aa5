"""Log-on events in, Detections of unusual log-ons out: a Gaussian mixture over counts per account, source and hour.

Features of one account-source-hour (a cell), after each of its log-ons: log1p of failed and of successful log-ons, share of failures, log1p
of the accounts that the source tried and of the sources that the account came from in that hour, and the hour of the day on a circle. The
mixture (scikit-learn; Dempster, Laird and Rubin 1977) gives a log-likelihood; what is less likely than nearly all of the training is
reported. An isolation forest was tried and put aside: it cannot split on what never varied in training, so 200 failures after days of
0 or 1 went unseen.

A model file is JSON, never a pickle (a pickle is code): the training record and the mixture's few parameters. The score of a cell depends
on the events of its hour only, not on how they come in batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from collectors.event import Event
from soc.detect import Detection, Level, Match, Rule
from soc.errors import SocError

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

FEATURES = (
    "failed",
    "succeeded",
    "share failed",
    "accounts of the source",
    "sources of the account",
    "hour (sin)",
    "hour (cos)",
)
_COUNTED = frozenset({0, 1, 3, 4})
_SHOWN = (0, 1, 2, 3, 4)
"""Features that are logarithms of counts, and those that a reader can use: the circle of hours is for the forest."""

MIN_CELLS = 40
"""Fewer account-source-hours than this teach nothing."""

MAX_ROWS = 50_000
"""Log-ons that the mixture is fitted to; more are thinned evenly."""

_COMPONENTS = 4
_REGULARISATION = 0.01
"""Variance added to every feature: a feature that never varied in training counts as known to a tenth of a log unit."""

_CONTAMINATION = 0.005
"""Share of the training log-ons that the threshold leaves outside."""

_FORMAT = 1

_LATENESS = timedelta(hours=3)
"""An event of an hour that began longer than this before the newest event's is not counted: its cell is gone."""


class ModelError(SocError):
    """A model cannot be trained or read: too few log-ons, a damaged or foreign file."""


class TrainingRecord(msgspec.Struct, frozen=True):
    """What an auditor asks of a model: from what, when, how and by what it was made. Times are event times, UTC."""

    model: str
    trained: datetime
    since: datetime
    until: datetime
    logons: int
    cells: int
    features: tuple[str, ...]
    parameters: dict[str, float]
    threshold: float
    library: str


class _File(msgspec.Struct, frozen=True):
    format: int
    record: TrainingRecord
    weights: list[float]
    means: list[list[float]]
    covariances: list[list[list[float]]]
    medians: list[float]


@dataclass(slots=True)
class _Cell:
    failed: int = 0
    succeeded: int = 0
    reported: bool = False


_Key = tuple[datetime, str, str]
"""A cell: hour, account, source."""


class _Counts:
    """Running counts, the only state. `lateness` None keeps every hour (training)."""

    def __init__(self, lateness: timedelta | None) -> None:
        self.cells: dict[_Key, _Cell] = {}
        self._accounts: dict[tuple[datetime, str], set[str]] = {}
        self._sources: dict[tuple[datetime, str], set[str]] = {}
        self._lateness = lateness
        self._edge = datetime.min.replace(tzinfo=UTC)

    def add(self, event: Event) -> _Key | None:
        """Count a log-on; its cell's key, or None where the event is none or comes too late."""
        logon = logon_of(event)
        if logon is None:
            return None
        account, source, outcome = logon
        hour = event.time.replace(minute=0, second=0, microsecond=0)
        if hour < self._edge:
            return None
        if self._lateness is not None and hour - self._lateness > self._edge:
            self._forget(hour - self._lateness)
        cell = self.cells.setdefault((hour, account, source), _Cell())
        if outcome == "success":
            cell.succeeded += 1
        else:
            cell.failed += 1
        self._accounts.setdefault((hour, source), set()).add(account)
        self._sources.setdefault((hour, account), set()).add(source)
        return hour, account, source

    def _forget(self, edge: datetime) -> None:
        self._edge = edge
        self.cells = {k: c for k, c in self.cells.items() if k[0] >= edge}
        self._accounts = {k: a for k, a in self._accounts.items() if k[0] >= edge}
        self._sources = {k: a for k, a in self._sources.items() if k[0] >= edge}

    def row(self, key: _Key) -> list[float]:
        """The features of a cell as it stands."""
        hour, account, source = key
        cell = self.cells[key]
        angle = 2 * math.pi * hour.hour / 24
        return [
            math.log1p(cell.failed),
            math.log1p(cell.succeeded),
            cell.failed / (cell.failed + cell.succeeded),
            math.log1p(len(self._accounts[hour, source])),
            math.log1p(len(self._sources[hour, account])),
            math.sin(angle),
            math.cos(angle),
        ]


def logon_of(event: Event) -> tuple[str, str, str] | None:
    """Account, source and outcome of a log-on; None where the event is none, or does not name them."""
    fields = event.fields
    outcome = fields.get("event.outcome")
    if fields.get("event.category") != "authentication" or outcome not in ("success", "failure"):
        return None
    account, source = fields.get("user.name"), fields.get("source.ip")
    return (account, source, outcome) if isinstance(account, str) and isinstance(source, str) else None


def train(events: Iterable[Event], path: Path, *, now: datetime, seed: int = 20_221) -> TrainingRecord:
    """Train on the log-ons among `events` and write the model file. Raises: ModelError where there are too few."""
    counts = _Counts(lateness=None)
    matrix: list[list[float]] = []
    since = until = None
    for event in events:
        key = counts.add(event)
        if key is not None:
            matrix.append(counts.row(key))
            since = min(since or event.time, event.time)
            until = max(until or event.time, event.time)
    logons = len(matrix)
    if since is None or until is None or len(counts.cells) < MIN_CELLS:
        raise ModelError(
            f"{len(counts.cells)} account-source-hours with log-ons; at least {MIN_CELLS} are needed to train"
        )
    matrix = matrix[:: math.ceil(logons / MAX_ROWS)]
    import sklearn
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(_COMPONENTS, reg_covar=_REGULARISATION, random_state=seed, n_init=3).fit(matrix)
    scores = sorted(float(s) for s in mixture.score_samples(matrix))
    record = TrainingRecord(
        model="logon-gaussian-mixture",
        trained=now,
        since=since,
        until=until,
        logons=logons,
        cells=len(counts.cells),
        features=FEATURES,
        parameters={
            "components": _COMPONENTS,
            "seed": seed,
            "contamination": _CONTAMINATION,
            "regularisation": _REGULARISATION,
        },
        threshold=scores[int(_CONTAMINATION * len(scores))],
        library=f"scikit-learn {sklearn.__version__}",
    )
    medians = [sorted(column)[len(column) // 2] for column in zip(*matrix, strict=True)]
    file = _File(
        _FORMAT, record, mixture.weights_.tolist(), mixture.means_.tolist(), mixture.covariances_.tolist(), medians
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(file))
    partial.replace(path)
    return record


def _mixture(file: _File) -> GaussianMixture:
    """The mixture as it was fitted. Raises: ValueError where the parameters do not make one."""
    import numpy as np
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(len(file.weights))
    mixture.weights_ = np.array(file.weights)
    mixture.means_ = np.array(file.means)
    mixture.covariances_ = np.array(file.covariances)
    if mixture.means_.shape != (len(file.weights), len(FEATURES)):
        raise ValueError("means are not one row of features a component")
    inverse = np.linalg.inv(mixture.covariances_)
    mixture.precisions_cholesky_ = np.linalg.cholesky(inverse)
    return mixture


class LogonModel:
    """A trained model as a Detector. It reports a cell once, at the event that takes its score to the threshold.

    Its state is the counts of the last hours: after a restart, let it detect on those events again and drop what it reports.
    """

    def __init__(self, path: Path) -> None:
        """Raises: ModelError where the file is damaged or not of this format."""
        try:
            raw = path.read_bytes()
            file = msgspec.json.decode(raw, type=_File)
            self._mixture = _mixture(file)
        except (OSError, msgspec.DecodeError, ValueError) as error:
            raise ModelError(f"{path}: not a readable model: {error}") from error
        self.record = file.record
        self._medians = file.medians
        self._counts = _Counts(_LATENESS)
        self.rule = Rule(
            id="model:logon-gaussian-mixture",
            title="Unusual log-ons for this account and source",
            level=Level.MEDIUM,
            version=sha256(raw).hexdigest(),
            tags=("attack.credential-access", "attack.initial-access", "attack.t1078"),
            logsource="category:authentication",
            path=str(path),
            kind="anomaly",
            description="How often this account logged on or failed from this source in this hour lies outside what was learned.",
        )

    def detect(self, batch: Sequence[Event]) -> list[Detection]:
        """Detections of the batch in its order; see soc.detect.Detector."""
        rows: list[list[float]] = []
        seen: list[tuple[Event, _Cell]] = []
        for event in batch:
            key = self._counts.add(event)
            if key is not None:
                rows.append(self._counts.row(key))
                seen.append((event, self._counts.cells[key]))
        if not rows:
            return []
        found = []
        for (event, cell), row, score in zip(seen, rows, self._scores(rows), strict=True):
            if score < self.record.threshold and not cell.reported:
                cell.reported = True
                found.append(Detection(self.rule, (event,), self._why(row), round(score, 4)))
        return found

    def _scores(self, rows: list[list[float]]) -> list[float]:
        distinct = {tuple(row): 0.0 for row in rows}
        for row, score in zip(distinct, self._mixture.score_samples(list(distinct)), strict=True):
            distinct[row] = float(score)
        return [distinct[tuple(row)] for row in rows]

    def _why(self, row: list[float]) -> tuple[Match, ...]:
        return tuple(
            Match("model", FEATURES[i], f"typical {_shown(self._medians[i], i)}", _shown(row[i], i)) for i in _SHOWN
        )


def _shown(value: float, feature: int) -> str:
    return f"{math.expm1(value):.0f}" if feature in _COUNTED else f"{value:.2f}"
