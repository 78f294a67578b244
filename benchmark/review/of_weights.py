"""Whose weights rows are said to be of."""

from __future__ import annotations

from forenbench.plugins.installed import installed
from forenbench.records.store import Store
from forenbench.types import FOREIGN, OWN, PUBLISHED, SAMPLE, UNVERIFIED

from .result import ReviewResult, some

_SAID = {
    UNVERIFIED: "weights of another sha256 than the published ones",
    OWN: "weights of their own",
    FOREIGN: "scores of another tool",
    SAMPLE: "the small checkpoints of the package",
}


def weights(store: Store) -> ReviewResult:
    """Compare the sha256 of published weights with what is known of them; name what else there is."""
    known = {one.name: one for found in installed() for one in found.checkpoints}
    problems, others = [], dict[str, dict[str, None]]()
    for record in store.records():
        detector, whose = record.detector
        if whose in _SAID:
            others.setdefault(_SAID[whose], {})[detector] = None
        if whose != PUBLISHED:
            continue
        for name, sha256 in record.identity.checkpoints.items():
            if (one := known.get(name)) is None:
                others.setdefault(f"checkpoint '{name}', which no detector here reads", {})[detector] = None
            elif one.sha256 and not sha256.startswith(one.sha256) and sha256 not in one.copies:
                problems.append(f"{detector}: '{name}' is {sha256[:12]}…, not {one.sha256[:12]}…")
    said = some([f"{', '.join(names)}: {words}" for words, names in others.items()])
    return ReviewResult(
        "what is called published is what was published", some(list(dict.fromkeys(problems))), said
    )
