"""Which column of a Parquet file holds the images, and the words of its other columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from forenbench.errors import BenchError


class ImageColumn(NamedTuple):
    """Where a Parquet file's images are.

    Attributes:
        name: Of the column.
        bytes: The leaf that holds them, such as ``image.bytes``; empty where there are only paths.
        path: The leaf that says where each lies; empty where nothing does.
    """

    name: str
    bytes: str
    path: str


def image_column(schema: Any, place: str) -> ImageColumn:  # noqa: ANN401 - pyarrow has no types
    """Find the column with the images: the one called ``image``, or the only one that can hold them.

    Args:
        schema: A `pyarrow.Schema`.
        place: What a message calls the table.

    Raises:
        BenchError: There is none, there are several, or each row has a list of images.
    """
    import pyarrow.types as kinds

    found = {field.name: one for field in schema if (one := _as_images(field)) is not None}
    tests = (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list)
    several = [field for field in schema if any(test(field.type) for test in tests)]
    lists = [field.name for field in several if _as_images(field.type.value_field) is not None]
    named = [name for name in found if name.lower() == "image"] or list(found)
    if not named and lists:
        raise BenchError(
            f"{place}: column '{lists[0]}' holds a list of images in each row, so that no row is one image. "
            "Write one image a row"
        )
    if len(named) != 1:
        raise BenchError(
            f"{place}: one column must hold the images' bytes, or be called 'image'; those that hold bytes: "
            f"{list(found)}, of {schema.names}"
        )
    return found[named[0]]


def class_names(schema: Any) -> dict[str, list[str]]:  # noqa: ANN401
    """Read the names of classes, by column, that the hub's library leaves in a schema's metadata.

    Raises:
        ValueError: There are metadata of the library's, but no JSON.
    """
    # {"info": {"features": {"label": {"names": ["real", "fake"], "_type": "ClassLabel"}}}}
    told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    info = told.get("info") if isinstance(told, dict) else None
    features = (info or {}).get("features") or {}
    return {
        name: [str(one) for one in feature["names"]]
        for name, feature in features.items()
        if isinstance(feature, dict) and isinstance(feature.get("names"), list)
    }


def words(values: Sequence[object], names: Sequence[str]) -> list[str]:
    """Write a column's values as text; numbers that stand for classes become the classes' names."""

    # By the name of the class, not its number: some datasets on the hub have 0 = fake.
    def word(value: object) -> str:
        if isinstance(value, int) and 0 <= value < len(names):
            return names[value]
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return "" if value is None else str(value)

    return [word(value) for value in values]


def _as_images(field: Any) -> ImageColumn | None:  # noqa: ANN401
    """Read a column as one of images, if it can be: bytes, or a struct of bytes, path or both."""
    import pyarrow.types as kinds

    if _is_binary(field.type):
        return ImageColumn(field.name, field.name, "")
    if not kinds.is_struct(field.type):
        return None
    inner = {one.name: one.type for one in field.type}
    # The hub's feature `Image` is a struct of both; who keeps files outside may leave the bytes out,
    # or their type null.
    has_bytes = "bytes" in inner and _is_binary(inner["bytes"])
    is_path_only = "path" in inner and (set(inner) == {"path"} or kinds.is_null(inner.get("bytes")))
    if not has_bytes and not is_path_only:
        return None
    path = f"{field.name}.path" if "path" in inner and not kinds.is_null(inner["path"]) else ""
    return ImageColumn(field.name, f"{field.name}.bytes" if has_bytes else "", path)


def _is_binary(kind: Any) -> bool:  # noqa: ANN401
    import pyarrow.types as kinds

    tests = (kinds.is_binary, kinds.is_large_binary, kinds.is_fixed_size_binary, kinds.is_binary_view)
    return any(test(kind) for test in tests)
