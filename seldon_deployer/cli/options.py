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
        click.option(
            "--base-url",
            metavar="URL",
            help="Web address of Seldon's ingress: prediction URLs begin with it.",
        ),
        click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Kubeconfig to use."),
        click.option(
            "--namespace", "-n", metavar="NS", help="Kubernetes namespace; else the context's own."
        ),
        click.option(
            "--context", metavar="C", help="Context of the kubeconfig, instead of the current one."
        ),
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


def timeout_option(default: int, what: str) -> Callable[[Command], Command]:
    """`--timeout`: how long `what` may take."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=f"How long to wait {what}.",
    )


def server_image_option(command: Command) -> Command:
    """`--server-image`, of commands that say what serves on a cluster."""
    return click.option(
        "--server-image",
        metavar="IMAGE",
        envvar="SELDON_DEPLOYER_SERVER_IMAGE",
        help="For models that no server of Seldon's reads; see `image context`.",
    )(command)


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
            click.option(
                "--file",
                "-f",
                metavar="FILE",
                help="Configuration in YAML, all of it; other options win over it.",
            ),
            click.option(
                "--name",
                metavar="NAME",
                help="Name of the model; the same name again updates it in place.",
            ),
            click.option(
                "--model-uri",
                metavar="URI",
                help="Where the model lies: a path, s3://, gs://, az://, pvc://.",
            ),
            click.option(
                "--implementation",
                metavar="X",
                help="Server, such as SKLEARN_SERVER; found from the model if left out.",
            ),
            click.option(
                "--python-class", metavar="MODULE.Class", help="Class of your own that serves."
            ),
            click.option(
                "--code-path",
                metavar="DIR",
                type=click.Path(exists=True, file_okay=False),
                help="Folder that holds the class (this machine only).",
            ),
            click.option(
                "--image", metavar="IMAGE", help="Container image to run, of code of your own."
            ),
            click.option(
                "--protocol",
                type=click.Choice(["seldon", "v2"]),
                help="Protocol of predictions.  [default: seldon]",
            ),
            click.option(
                "--replicas",
                type=click.IntRange(min=0),
                metavar="N",
                help="How many pods at once.  [default: 1]",
            ),
            click.option(
                "--parameter",
                "-p",
                multiple=True,
                metavar="KEY=VALUE",
                help="Parameter of the server or class; numbers and true/false keep their type.",
            ),
            click.option(
                "--env",
                "-e",
                multiple=True,
                metavar="KEY=VALUE",
                help="Environment variable; may be given several times, as all KEY=VALUE.",
            ),
            click.option(
                "--request",
                multiple=True,
                metavar="KEY=VALUE",
                help="Resource to request, as cpu=100m.",
            ),
            click.option(
                "--limit",
                multiple=True,
                metavar="KEY=VALUE",
                help="Resource to use at most, as memory=1Gi.",
            ),
            click.option("--label", multiple=True, metavar="KEY=VALUE", help="Label to add."),
            click.option(
                "--annotation", multiple=True, metavar="KEY=VALUE", help="Annotation to add."
            ),
            click.option("--service-account", metavar="NAME", help="Service account of the pods."),
            click.option(
                "--secret-name",
                metavar="NAME",
                help="Existing Secret with storage credentials; see `secret apply`.",
            ),
            click.option(
                "--orchestrator",
                type=click.Choice(["auto", "always", "never", "separate"]),
                help="Whether Seldon's orchestrator runs beside the model, in a pod of its own, or "
                "not; auto: where it has work.  [default: auto]",
            ),
        ]
    ):
        command = option(command)
    return command


def preflight_options(command: Command) -> Command:
    """`--preflight` and `--ignore`, as the arguments of `Deployer.deploy`."""
    for option in (
        click.option(
            "--preflight", type=click.Choice(["strict", "warn", "off"]), default="warn",
            show_default=True,
            help="What to do about what cannot be checked from here before anything is sent.",
        ),
    ):  # fmt: skip
        command = option(command)
    return ignore_option(command)


def ignore_option(command: Command) -> Command:
    """`--ignore`: names of rules of advice, checked."""
    return click.option(
        "--ignore",
        multiple=True,
        metavar="RULE",
        callback=_known_rules,
        help="Silence a rule of advice; see `validate --rules`.",
    )(command)


def _known_rules(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        from seldon_deployer.deployer.live_advice import LIVE_RULES
        from seldon_deployer.manifest.advice import RULES

        for name in names:
            if name not in RULES and name not in LIVE_RULES:
                raise UsageError(f"there is no rule {name!r}", hint="`validate --rules` lists them")
    return names


def take_config(options: dict[str, Any]) -> DeploymentConfig:
    """Take the options of `config_options` out of all options and build the configuration.

    `--file` is below the others. Raises ConfigError or UsageError that names the option or field.
    """
    from seldon_deployer.cli.config_file import lay_over, read_config_file
    from seldon_deployer.config import parse_config

    file = options.pop("file")
    given = {name: value for name, value in take_fields(options).items() if value not in (None, {})}
    fields = lay_over(read_config_file(file), given) if file else given
    if not fields.get("model_name"):
        raise UsageError(
            "the model has no name",
            why=f"neither --name nor model_name in {file}" if file else "there is no --name",
            hint="--name NAME; a redeploy under that name updates it in place",
        )
    return parse_config(**fields)


def take_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The fields that options say; None or empty where they do not."""
    fields: dict[str, Any] = {
        "model_name": options.pop("name"),
        "service_account_name": options.pop("service_account"),
        "parameters": {
            key: read_typed(value)
            for key, value in read_pairs("--parameter", options.pop("parameter"))
        },
    }
    for kind in ("env", "label", "annotation"):
        field = kind if kind == "env" else f"{kind}s"
        fields[field] = dict(read_pairs(f"--{kind}", options.pop(kind)))
    sizes = {
        f"{kind}s": dict(read_pairs(f"--{kind}", options.pop(kind)))
        for kind in ("request", "limit")
    }
    if any(sizes.values()):
        fields["resources"] = {kind: values for kind, values in sizes.items() if values}
    for field in (
        "model_uri", "implementation", "python_class", "code_path", "image", "protocol",
        "replicas", "secret_name", "orchestrator",
    ):  # fmt: skip
        fields[field] = options.pop(field)
    return fields


def connect(options: dict[str, Any], *, tell: bool = False) -> Deployer:
    """Connect as the options of `connection_options` say.

    tell: show the log, which says where the deployment goes and why; for what changes something.
    """
    from seldon_deployer.deployer import Deployer

    current_session().show_log(logging.INFO if tell else logging.WARNING)
    names = ("runtime", "context", "namespace", "kubeconfig", "base_url")
    return Deployer.connect(
        **{name: options.pop(name) for name in names},
        server_image=options.pop("server_image", None),
    )


def read_pairs(option: str, given: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Read KEY=VALUE texts; raises UsageError that names the option."""
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"{option} {text!r} is no KEY=VALUE")
        yield key, value


def read_typed(text: str) -> str | int | float | bool:
    """Read true, false and numbers as JSON does; all else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) else text
