"""`seldon-deployer image context`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from seldon_deployer.errors import UsageError

_FUNCTIONS = ("predict_function", "pre_process", "post_process", "loader")
_PYTHON_VERSION = re.compile(r"3\.\d+(\.\d+)?")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--python-class", metavar="MODULE.Class", help="A class of yours.")
@click.option("--predict-function", metavar="MODULE.NAME", help="(model, request) -> answer")
@click.option("--pre-process", metavar="MODULE.NAME", help="(request) -> request")
@click.option("--post-process", metavar="MODULE.NAME", help="(answer) -> answer")
@click.option("--loader", metavar="MODULE.NAME", help="(folder) -> model; else joblib reads it.")
@click.option("--implementation", metavar="X", help="A server of ours, such as LIGHTGBM_SERVER.")
@click.option(
    "--model-uri",
    metavar="PATH",
    help="A model on this machine: the server and the versions that it was trained with.",
)
@click.option(
    "--code-path",
    metavar="DIR",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that holds your code; what it imports from there comes along.",
)
@click.option("--requirement", "-r", multiple=True, metavar="REQ", help="Package, as pip takes it.")
@click.option("--parameter", "-p", multiple=True, metavar="KEY=VALUE", help="Of your class.")
@click.option("--env", "-e", multiple=True, metavar="KEY=VALUE", help="Environment.")
@click.option(
    "--service-type",
    metavar="T",
    default="MODEL",
    show_default=True,
    help="What it is in a graph: MODEL, TRANSFORMER, ROUTER, COMBINER, OUTPUT_TRANSFORMER.",
)
@click.option("--pin", is_flag=True, help="Keep to the versions of this environment.")
@click.option("--python", metavar="VERSION", help="Python of the image.  [default: this one's]")
@click.option("--base-image", metavar="IMAGE", help="Instead of Python's slim one.")
def command(folder: Path, **options: Any) -> None:
    """Write a build context into DIR: Dockerfile, our wheel, requirements, your code.

    The same in, the same out. Build it with any builder (docker build -t NAME DIR), push it, and
    deploy with --image NAME. The model comes from its store when a pod starts; it is not in the
    image.
    """
    from seldon_deployer.cli.options import read_pairs, read_typed
    from seldon_deployer.image import ImageRequest, build_context, write_context

    _check_what_serves(options)
    fields: dict[str, Any] = {
        "requirements": options["requirement"],
        "env": dict(read_pairs("--env", options["env"])),
        "service_type": _service_type(options["service_type"]),
        "is_pinned": options["pin"],
        "base_image": options["base_image"],
        "parameters": {
            key: read_typed(text) for key, text in read_pairs("--parameter", options["parameter"])
        },
        **_what_serves(options),
    }
    if options["python"]:
        if not _PYTHON_VERSION.fullmatch(options["python"]):
            raise UsageError(f"--python {options['python']!r} is no version such as 3.11")
        fields["python_version"] = options["python"]

    def tell(sentence: str) -> None:
        click.echo(sentence, err=True)

    for path in write_context(build_context(ImageRequest(**fields), tell=tell), folder):
        click.echo(str(path))
    tell(f"next: docker build -t NAME {folder}, push NAME, and deploy with --image NAME")


def _check_what_serves(options: dict[str, Any]) -> None:
    given = [
        name
        for name in ("python_class", "predict_function", "implementation")
        if options[name] is not None
    ]
    if not given and options["model_uri"] is not None:
        return
    if len(given) != 1:
        raise UsageError(
            "one thing serves a model",
            why=f"{' and '.join(map(_option, given))} are given" if given else "none is named",
            hint="give --python-class, --predict-function, --implementation, or --model-uri alone",
        )
    if given != ["predict_function"]:
        for name in _FUNCTIONS[1:]:
            if options[name] is not None:
                raise UsageError(f"{_option(name)} is of a --predict-function")
    elif options["parameter"]:
        raise UsageError("--parameter is of a class", hint="read settings from --env")


def _what_serves(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request that say what serves."""
    from seldon_deployer.image.code import FUNCTION_UNIT

    if options["python_class"] is not None:
        return {"python_class": options["python_class"], "code_path": options["code_path"]}
    if options["predict_function"] is not None:
        functions = {name: options[name] for name in _FUNCTIONS if options[name] is not None}
        return {
            "python_class": FUNCTION_UNIT,
            "code_path": options["code_path"],
            "parameters": functions,
        }
    return _server(options)


def _server(options: dict[str, Any]) -> dict[str, Any]:
    """A server of ours, with the libraries that it reads models with."""
    from seldon_deployer.artifacts.layout import find_training
    from seldon_deployer.artifacts.location import local_path
    from seldon_deployer.catalogue import find_server

    name: str = options["implementation"]
    versions: dict[str, str] = {}
    if options["model_uri"] is not None:
        path = local_path(options["model_uri"])
        if path is None:
            raise UsageError(
                f"{options['model_uri']} is not on this machine",
                hint="name the server by --implementation, and versions by --requirement or --pin",
            )
        name, versions = find_training(path, implementation=name)
    server = find_server(name)
    if server.local_class is None:
        raise UsageError(
            f"there is no server of ours that stands for {server.name}",
            hint="give a --python-class",
        )
    return {
        "python_class": server.local_class,
        "requirements": (*options["requirement"], *server.libraries),
        "versions": versions,
    }


def _service_type(given: str) -> str:
    from seldon_deployer.server.settings import SERVICE_TYPES

    if given not in SERVICE_TYPES:
        raise UsageError(
            f"--service-type {given!r} is not known", hint=f"use {', '.join(SERVICE_TYPES)}"
        )
    return given


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
