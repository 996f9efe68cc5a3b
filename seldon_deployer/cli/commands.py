"""The tree of commands: names and one-line helps; a command's module loads on first use."""

from __future__ import annotations

from importlib import import_module

import click

import seldon_deployer
from seldon_deployer.cli.session import debug_option

_PACKAGE = "seldon_deployer.cli"


class LazyGroup(click.Group):
    """A group whose commands are named in a table: name -> (module, help)."""

    def __init__(self, name: str, table: dict[str, tuple[str, str]], help: str) -> None:  # noqa: A002
        super().__init__(name, help=help, no_args_is_help=True)
        self._table = table
        self.params.append(debug_option())

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the table."""
        return list(self._table)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Load one command."""
        if cmd_name not in self._table:
            return None
        command = import_module(f"{_PACKAGE}.{self._table[cmd_name][0]}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is no command")
        if not any(option.name == "debug" for option in command.params):
            command.params.append(debug_option())
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the helps of the table, so that showing them loads no command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in self._table.items()])


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"seldon-deployer {seldon_deployer.__version__}")
        context.exit()


cli = LazyGroup(
    "seldon-deployer",
    {
        "deploy": ("deploy", "Serve a model, or update it in place, and wait until it serves."),
        "list": ("list", "List what was deployed."),
        "status": ("status", "Show one deployment: state, pods, and what is wrong with it."),
        "predict": ("predict", "Ask a deployed model for a prediction."),
        "logs": ("logs", "Show the logs of a deployment's pods."),
        "stop": ("stop", "End all replicas of a deployment; start brings them back."),
        "start": ("start", "Bring a stopped deployment back."),
        "delete": ("delete", "Delete deployments."),
        "render": ("render", "Write the manifest that deploy would apply. Sends nothing."),
        "rbac": ("rbac", "Print the Kubernetes role that deploying needs. Sends nothing."),
        "diff": ("diff", "Show what deploy would change. Writes nothing."),
        "validate": ("validate", "Judge manifests as Seldon would. Sends nothing."),
        "secret": ("secret", "Give storage credentials to the cluster."),
        "image": ("image", "Make images for code of your own, and for servers of ours."),
        "serve": ("serve", "Serve a Python class in this process."),
        "local": ("local", "Start, stop and see the embedded runtime."),
        "zenml": ("zenml", "Connect ZenML."),
    },
    help="Deploy models to Seldon Core v1, on a cluster or on this machine.",
)
cli.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_show_version,
        help="Show the version.",
    )
)
