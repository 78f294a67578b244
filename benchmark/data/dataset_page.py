"""A dataset's description as Markdown: what docs/datasets.md is made of."""

from __future__ import annotations

from collections import Counter

from forenbench.markdown import items, wrapped
from forenbench.types import FAKE, LABEL_NAMES, REAL

from .descriptions import Spec, Suite


def dataset_page(found: Spec | Suite) -> str:
    """Write what is known of a dataset: where it lies, its test sets, what to know before it is scored."""
    if isinstance(found, Suite):
        parts = {part.dataset: ", ".join(part.testsets) for part in found.parts}
        return "\n\n".join([f"## {found.name}", wrapped(f"Suite: {found.description}"), items(parts)]) + "\n"
    places = [] if found.builder else [f"{found.folder}/", *found.archives, *found.layouts]
    numbers = Counter[tuple[str, int]]()
    for key, number in found.counts.items():
        numbers[key.generator, key.label] += number
    testsets = []
    for name in found.testsets:
        real, fake = numbers[name, REAL], numbers[name, FAKE]
        testsets.append(f"{name} ({real:,} + {fake:,})" if real or fake else name)
    shared = [f"{name} ({sum(numbers[name, label] for label in LABEL_NAMES):,})" for name in found.reals]
    known = {
        "Licence": found.licence,
        "Source": found.source,
        "Looked for below the data root": ", ".join(f"`{place}`" for place in places),
        "Test sets (real + fake files)": ", ".join(testsets),
        "Shared reals": ", ".join(shared),
    }
    # as commands take them, for a copy of the same files under another name
    options = []
    for word, said in found.rules.to_json().items():
        if isinstance(said, dict):
            options.append(f"--{word} {','.join(f'{ours}={theirs}' for ours, theirs in said.items())}")
        else:
            options += [f"--{word} '{text}'" for text in ([said] if isinstance(said, str) else said)]
    rules = "\n".join(["```", *options, "```"]) if found.rules else ""
    page = [f"## {found.name}", wrapped(found.description), items(known), rules, found.instructions.strip()]
    return "\n\n".join(filter(None, page)) + "\n"
