"""A dataset's description as Markdown: what docs/datasets.md is made of."""

from __future__ import annotations

from collections.abc import Iterator

from forenbench.markdown import items, wrapped
from forenbench.types import FAKE, REAL

from .descriptions import Spec, Suite


def dataset_page(found: Spec | Suite) -> str:
    """Write what is known of a dataset: where it lies, its test sets, what to know before it is scored."""
    if isinstance(found, Suite):
        parts = {part.dataset: ", ".join(part.testsets) for part in found.parts}
        return "\n\n".join([f"## {found.name}", wrapped(f"Suite: {found.description}"), items(parts)]) + "\n"
    places = [] if found.builder else [f"{found.folder}/", *found.archives, *found.layouts]
    known = {
        "Licence": found.licence,
        "Source": found.source,
        "Looked for below the data root": ", ".join(f"`{place}`" for place in places),
        "Test sets (real + fake files)": ", ".join(_testsets(found)),
        "Shared reals": ", ".join(_shared(found)),
    }
    rules = "\n".join(["```", *_options(found), "```"]) if found.rules else ""
    page = [f"## {found.name}", wrapped(found.description), items(known), rules, found.instructions.strip()]
    return "\n\n".join(filter(None, page)) + "\n"


def _options(spec: Spec) -> Iterator[str]:
    """Spell the rules as commands take them, for a copy of the same files under another name."""
    for word, said in spec.rules.to_json().items():
        if isinstance(said, dict):
            yield f"--{word} {','.join(f'{ours}={theirs}' for ours, theirs in said.items())}"
        else:
            yield from (f"--{word} '{text}'" for text in ([said] if isinstance(said, str) else said))


def _testsets(spec: Spec) -> Iterator[str]:
    """Name the test sets, with their counts where these are known."""
    for name in spec.testsets:
        counts = [
            sum(number for key, number in spec.counts.items() if (key.generator, key.label) == (name, label))
            for label in (REAL, FAKE)
        ]
        yield f"{name} ({counts[0]:,} + {counts[1]:,})" if any(counts) else name


def _shared(spec: Spec) -> Iterator[str]:
    """Name the sources of reals that several test sets share, with their counts."""
    for source in spec.reals:
        number = sum(number for key, number in spec.counts.items() if key.generator == source)
        yield f"{source} ({number:,})"
