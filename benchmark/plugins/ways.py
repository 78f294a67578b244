"""What can be done where detectors lack their weights: run others, fetch the smallest, take the sample's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from forenbench.types import PUBLISHED, SAMPLE
from forenbench.weights.wording import licence_in_words, size_in_words

from .installed import by_cards
from .not_ready import NotReady, Way
from .own import OwnDetector
from .readiness import Paths, Standing, ready, survey

_OFFERED = 3


def check_ready(requests: Sequence[str | OwnDetector], kind: str, paths: Paths) -> None:
    """Refuse detectors that lack weights here, before anything heavy is imported.

    Args:
        requests: As of `forenbench.plugins.loading.load_available`.
        kind: Of checkpoints, where a request says none.
        paths: The user's files.

    Raises:
        NotReady: One that has to be there lacks some; of a line-up, each.
        BenchError: See `survey`.
    """
    standings = survey(requests, kind, paths)
    lacking = [one for one in standings if one.lacks]
    others = len(lacking) < len(standings) or any(isinstance(one, OwnDetector) for one in requests)
    if any(one.is_needed for one in lacking) or (lacking and not others):
        here, absent = ready(paths)
        names = [{one.detector for one in some} for some in (here, [*here, *absent])]
        told = f"of {len(names[1])} installed detectors {len(names[0])} have published weights here"
        raise NotReady(lacking, list(_ways(requests, standings, here, absent)), told)


def _ways(
    requests: Sequence[str | OwnDetector],
    standings: Sequence[Standing],
    here: Sequence[Standing],
    lacking: Sequence[Standing],
) -> Iterator[Way]:
    """Find what can be run, what costs nothing first, then by what is to be downloaded."""
    if mine := [one.request for one in standings if not one.lacks]:
        yield Way("what is here of it", "detectors", _listed(mine))
    elif here:
        yield Way("other detectors, whose weights are here", "detectors", _listed(_bare(here)))
    fetchable = [one for one in standings if one.lacks and all(file.urls for file in one.lacks)]
    if sized := [one for one in lacking if one.size is not None]:
        smallest = min(sized, key=lambda one: one.size or 0)
        if smallest.request not in {one.request for one in fetchable}:
            fetchable.append(smallest)
    # What is not known to be small goes last.
    fetchable.sort(key=lambda one: (one.size is None, one.size or 0))
    for one in fetchable[:_OFFERED]:
        licences = dict.fromkeys(licence_in_words(file.licence) for file in one.lacks)
        [name] = _bare([one])
        cost = "of unknown size" if one.size is None else size_in_words(one.size)
        title = f"{name.partition('@')[0]}, to fetch: {cost} ({'; '.join(licences)})"
        yield Way(title, "detectors", name, tuple(file.name for file in one.lacks))
    plugins = dict.fromkeys(one.detector for one in standings if one.detector)
    sampled = [f"{name}@{SAMPLE}" for name in plugins if by_cards()[name].variants(SAMPLE)]
    if sampled:
        plain = len(sampled) == len(plugins) and not any("@" in str(one) for one in requests)
        option, value = ("checkpoints", SAMPLE) if plain else ("detectors", _listed(sampled))
        worth = "small networks that come along, trained on one tiny generator of dataset 'sample': they try "
        yield Way(f"{worth}the harness, and judge no other images (docs/sample.md)", option, value)


def _bare(standings: Iterable[Standing]) -> list[str]:
    """Name detectors as shortly as they can be asked for: without the variant if their name means it."""
    known = by_cards()
    return [
        f"{one.detector}@{PUBLISHED}" if len(known[one.detector].rows(PUBLISHED)) == 1 else one.request
        for one in standings
    ]


def _listed(requests: Iterable[str]) -> str:
    r"""Write requests as one value; a comma that belongs to a file's name gets a backslash: ``\,``."""
    return ",".join(one.replace(",", r"\,") for one in requests)
