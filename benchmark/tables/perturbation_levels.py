"""Kind and level of perturbations, by which tables and pictures put them side by side."""

from __future__ import annotations

from forenbench.perturbations.suites import profiles

CHAIN, LAUNDERING = "chain", "laundering"
"""What stands for the kind of a chain, and of a laundering profile."""


def family_and_level(name: str) -> tuple[str, str]:
    """Split a canonical name: ``jpeg:75`` is level 75 of jpeg; each chain and profile is one of its own."""
    # A profile is stored as the chain it stands for: only the whole text tells it from other chains.
    for profile in profiles().values():
        if profile.chain == name:
            return LAUNDERING, profile.name
    if "+" in name:
        return CHAIN, name
    kind, _, level = name.partition(":")
    return kind, level
