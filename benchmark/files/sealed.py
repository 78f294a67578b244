"""Arrow and JSON files that carry the sha256 of what they hold: damage shows before anything is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

SEAL = "sha256"
"""The key of a JSON object's own digest."""
_SIZE = hashlib.sha256().digest_size


def to_arrow(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> bytes:
    """Write batches of one schema as an Arrow stream, with its sha256 behind, where readers of Arrow stop."""
    import pyarrow as pa

    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    content: bytes = stream.getvalue().to_pybytes()
    return content + hashlib.sha256(content).digest()


def from_arrow(sealed: bytes) -> pa.RecordBatchReader:
    """Read what `to_arrow` wrote.

    Raises:
        ValueError: It is not what was sealed, or never was.
    """
    import pyarrow as pa

    content, digest = memoryview(sealed)[:-_SIZE], sealed[-_SIZE:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("damaged")
    return pa.ipc.open_stream(pa.BufferReader(content))


def to_json(content: Mapping[str, Any]) -> str:
    """Write a JSON object with the digest of its other keys; equal objects are equal texts."""
    return json.dumps({**content, SEAL: _digest(content)}, indent=1, sort_keys=True)


def from_json(text: bytes) -> tuple[Any, bool]:
    """Read what `to_json` wrote, or what was never sealed.

    Returns:
        The content without its seal, and whether it had one.

    Raises:
        ValueError: It is no JSON, or not what was sealed.
    """
    try:
        content = json.loads(text)
    except RecursionError as error:  # Python's parser calls itself for each bracket
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or SEAL not in content:
        return content, False
    if content.pop(SEAL) != _digest(content):
        raise ValueError("damaged")
    return content, True


def _digest(content: Mapping[str, Any]) -> str:
    """Digest an object as JSON has it, whatever the blanks between and the order of its keys."""
    # Of what was parsed, not of the text: a record that an editor or a tool has laid out anew is still whole.
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
