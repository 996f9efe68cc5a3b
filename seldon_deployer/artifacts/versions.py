"""Library versions: what a model was trained with, against what serves it."""

from __future__ import annotations

from collections.abc import Mapping


def version_warning(
    trained_with: Mapping[str, str], served_with: Mapping[str, str], *, server: str
) -> str | None:
    """One sentence where training and serving differ, with what to do; None where they agree.

    Both map library -> version; a library that one side does not tell is not judged. Pickles of
    scikit-learn are good for the version that wrote them only: patch releases are taken as equal.
    """
    differences = [
        f"{library} {trained} (the server has {served_with[library]})"
        for library, trained in sorted(trained_with.items())
        if library in served_with and _release(trained) != _release(served_with[library])
    ]
    if not differences:
        return None
    return (
        f"the model was trained with {', '.join(differences)}: {server} may fail to load it, or "
        f"predict differently. Train with the server's version, or serve it with a python_class "
        f"in an image that has yours"
    )


def _release(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
