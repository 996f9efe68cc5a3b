"""Options that several commands share, and what is made of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import UsageError

if TYPE_CHECKING:
    from seldon_deployer.config import DeploymentConfig
    from seldon_deployer.deployer import Deployer

Command = Callable[..., Any]


def connection_options(command: Command) -> Command:
    """`--runtime`, `--context`, `--namespace`, `--kubeconfig`, `--base-url`."""
    for option in (
        click.option("--base-url", metavar="URL", help="Address of Seldon's ingress."),
        click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Kubeconfig to use."),
        click.option("--namespace", "-n", metavar="NS", help="Kubernetes namespace."),
        click.option("--context", metavar="C", help="Context of the kubeconfig."),
        click.option(
            "--runtime",
            type=click.Choice(["auto", "cluster", "local"]),
            default="auto",
            show_default=True,
            envvar="SELDON_DEPLOYER_RUNTIME",
            help="Where to: auto takes a cluster where one is known, else this machine.",
        ),
    ):
        command = option(command)
    return command


def output_option(command: Command) -> Command:
    """`--output table|json`."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="Form of the result.",
    )(command)


def config_options(command: Command) -> Command:
    """The fields of a DeploymentConfig."""
    for option in reversed(
        [
            click.option("--name", required=True, metavar="NAME", help="Name of the model."),
            click.option("--model-uri", metavar="URI", help="Where the artifact lies."),
            click.option(
                "--implementation", metavar="X", help="Server, such as SKLEARN_SERVER; else found."
            ),
            click.option("--python-class", metavar="MODULE.Class", help="Code of your own."),
            click.option(
                "--code-path",
                metavar="DIR",
                type=click.Path(exists=True, file_okay=False),
                help="Folder that holds the class (this machine only).",
            ),
            click.option("--image", metavar="IMAGE", help="Container image of the unit."),
            click.option(
                "--protocol", type=click.Choice(["seldon", "v2"]), default="seldon",
                show_default=True, help="Protocol of predictions.",
            ),
            click.option(
                "--replicas", type=click.IntRange(min=0), default=1, show_default=True,
                metavar="N", help="How many at once.",
            ),
            click.option(
                "--parameter", "-p", multiple=True, metavar="KEY=VALUE",
                help="Parameter of the server or class; numbers and true/false keep their type.",
            ),
            click.option("--env", "-e", multiple=True, metavar="KEY=VALUE", help="Environment."),
            click.option(
                "--request", multiple=True, metavar="KEY=VALUE", help="Requested, as cpu=100m."
            ),
            click.option(
                "--limit", multiple=True, metavar="KEY=VALUE", help="At most, as memory=1Gi."
            ),
            click.option("--label", multiple=True, metavar="KEY=VALUE", help="Label to add."),
            click.option(
                "--annotation", multiple=True, metavar="KEY=VALUE", help="Annotation to add."
            ),
            click.option("--service-account", metavar="NAME", help="Service account of the pods."),
            click.option("--secret-name", metavar="NAME", help="Secret with storage credentials."),
            click.option(
                "--orchestrator", type=click.Choice(["auto", "always", "never"]), default="auto",
                show_default=True, help="Seldon's orchestrator beside the unit.",
            ),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def take_config(options: dict[str, Any]) -> DeploymentConfig:
    """Take the options of `config_options` out of all options and build the configuration.

    Raises ConfigError or UsageError that names the option.
    """
    from seldon_deployer.config import parse_config

    fields: dict[str, Any] = {
        "model_name": options.pop("name"),
        "service_account_name": options.pop("service_account"),
        "parameters": {
            key: _typed(value) for key, value in _pairs("--parameter", options.pop("parameter"))
        },
    }
    for kind in ("env", "label", "annotation"):
        field = kind if kind == "env" else f"{kind}s"
        fields[field] = dict(_pairs(f"--{kind}", options.pop(kind)))
    sizes = {
        f"{kind}s": dict(_pairs(f"--{kind}", options.pop(kind))) for kind in ("request", "limit")
    }
    if any(sizes.values()):
        fields["resources"] = {kind: values for kind, values in sizes.items() if values}
    for field in (
        "model_uri", "implementation", "python_class", "code_path", "image", "protocol",
        "replicas", "secret_name", "orchestrator",
    ):  # fmt: skip
        fields[field] = options.pop(field)
    return parse_config(**fields)


def connect(options: dict[str, Any], *, tell: bool = False) -> Deployer:
    """Connect as the options of `connection_options` say.

    tell: show the log, which says where the deployment goes and why; for what changes something.
    """
    from seldon_deployer.deployer import Deployer

    current_session().show_log(logging.INFO if tell else logging.WARNING)
    names = ("runtime", "context", "namespace", "kubeconfig", "base_url")
    return Deployer.connect(**{name: options.pop(name) for name in names})


def _pairs(option: str, given: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"{option} {text!r} is no KEY=VALUE")
        yield key, value


def _typed(text: str) -> str | int | float | bool:
    """Read true, false and numbers as JSON does; all else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) else text
