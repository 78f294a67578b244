"""What can be seen to be wrong with a request before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence

from forenbench.data.protocols import find_protocol
from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.scoring.gathering import kinds_of
from forenbench.scoring.numerics import check_precision
from forenbench.scoring.requested import check_detectors
from forenbench.scoring.run_request import Means, Request, parse_perturbations


def check_request(request: Request, means: Means, precision: str, equalise: Sequence[str]) -> None:
    """Refuse misspelt words, and what is not there.

    Raises:
        NotReady: Weights are not here; it says what can be run.
        BenchError: Something else cannot be carried out.
    """
    # Not at the top: help of commands would load what reads datasets.
    from forenbench.data.foreseen import foresee

    parse_perturbations(request)
    check_precision(precision)
    find_protocol(means.protocol)
    if equalise:
        # Not at the top: it brings pandas, and few runs ask for it.
        from forenbench.tables import equalised

        equalised.check(equalise)
    if means.listed and (why := irregular(means.listed)):
        raise BenchError(f"no list of files at '{means.listed}' ({why})")
    if request.table:  # of which is run what is here
        return
    for name, generators in request.datasets.items():
        foresee(name, generators, means.data_root, means.places, means.rules)
    for kind in dict.fromkeys(kinds_of(request, means).values()):
        check_detectors(request.detectors, kind, means.files)
