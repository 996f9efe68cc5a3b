"""`--manifest`: a SeldonDeployment from a file, instead of a configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import click

from seldon_deployer.cli.files import STDIN, read_text
from seldon_deployer.cli.options import take_fields
from seldon_deployer.errors import UsageError

log = logging.getLogger(__name__)


def manifest_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--manifest`, beside the options of a configuration."""
    return click.option(
        "--manifest",
        metavar="FILE",
        help="A SeldonDeployment of your own instead, applied as it is; - reads stdin.",
    )(command)


def take_manifest(options: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest that `--manifest` names; None where it is not given.

    Takes the options of a configuration with it. Raises UsageError where those are given too, and
    for a file that does not hold one SeldonDeployment.
    """
    file = options.pop("manifest")
    if file is None:
        return None
    fields = [name for name, value in take_fields(options).items() if value not in (None, {})]
    if options.pop("file"):
        fields.append("file")
    if fields:
        raise UsageError(
            "--manifest says all of it",
            why=f"{', '.join(sorted(fields))}: given beside it, and of a configuration",
            hint="write it into the manifest, or leave --manifest out",
        )
    return read_manifest_file(file)


def read_manifest_file(file: str) -> dict[str, Any]:
    """The one SeldonDeployment of a file. Raises UsageError."""
    from seldon_deployer.manifest.documents import Unparsed, find_resources, read_documents
    from seldon_deployer.manifest.kind import find_misnamed

    shown = "stdin" if file == STDIN else file
    documents = read_documents(read_text(file))
    for document in documents:
        if isinstance(document, Unparsed):
            raise UsageError(
                f"{shown} is no YAML",
                why=f"line {document.line}: {document.message}",
                hint="render the template first: helm template . | seldon-deployer ... --manifest -"
                if document.is_template
                else "",
            )
    seldons = [obj for document in documents for obj in find_resources(document)]
    found = [obj for obj in seldons if not find_misnamed(obj)]
    wrong = [find_misnamed(obj) for obj in seldons]
    if seldons and not found:
        raise UsageError(
            f"{shown} does not hold one SeldonDeployment",
            why="; ".join(f"{field}: {said}" for field, said in filter(None, wrong)),
        )
    if len(found) != 1:
        names = [str((each.get("metadata") or {}).get("name")) for each in found]
        raise UsageError(
            f"{shown} does not hold one SeldonDeployment",
            why=f"it holds {len(found)}" + (f": {', '.join(names)}" if names else ""),
            hint="one file for each" if names else "a configuration is given by --file",
        )
    if len(documents) > 1:
        log.warning("%s holds other resources too: they are left to kubectl apply", shown)
    return found[0]
