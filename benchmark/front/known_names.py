"""Names of what there is to ask for, found without running a detector's code: what a shell completes.

Each imports what it reads when it is asked: a shell waits for the answer.
"""

from __future__ import annotations


def detector_names() -> list[str]:
    """Name every installed detector, every variant of those that state theirs, and the line-ups."""
    from forenbench.plugins.cards import cards
    from forenbench.plugins.lineups import ALL, LINEUPS

    found = [ALL, *LINEUPS]
    for card in cards():
        if not card.problem:
            names = dict.fromkeys(name for several in card.variants.values() for name in several)
            found += [card.name, *(f"{card.name}:{name}" for name in names)]
    return found


def dataset_names() -> list[str]:
    """Name every described dataset and suite."""
    from forenbench.data.descriptions import specs, suites

    return [*specs(), *suites()]


def perturbation_names() -> list[str]:
    """Name every profile, suite and kind of perturbation; one with a value ends in the colon before it."""
    from forenbench.perturbations.kinds import KINDS
    from forenbench.perturbations.suites import profiles, suites

    kinds = [f"{kind.name}:" if kind.symbol else kind.name for kind in KINDS]
    return [*kinds, *profiles(), *suites()]


def protocol_names() -> list[str]:
    """Name every protocol."""
    from forenbench.data.protocols import protocols

    return list(protocols())


def table_names() -> list[str]:
    """Name every table: those that any run has, and the papers'."""
    from forenbench.tables.makers import TABLES
    from forenbench.tables.papers import paper_tables

    return [*TABLES, *paper_tables()]
