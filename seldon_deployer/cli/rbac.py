"""`seldon-deployer rbac`."""

from __future__ import annotations

import click

from seldon_deployer.errors import UsageError


@click.command()
@click.option(
    "--namespace",
    "-n",
    metavar="NS",
    default="default",
    show_default=True,
    help="Namespace that the role is for.",
)
@click.option(
    "--manage-secrets",
    is_flag=True,
    help="With rights on Secrets, to make them of storage credentials and remove them.",
)
@click.option(
    "--secret-name",
    "secret_names",
    multiple=True,
    metavar="NAME",
    help="The same, on this Secret alone; may be given several times.",
)
def command(namespace: str, manage_secrets: bool, secret_names: tuple[str, ...]) -> None:
    """Print the least that deploying to a namespace needs: ServiceAccount, Role and RoleBinding.

    For `seldon-deployer rbac -n models | kubectl apply -f -`. Connects to nothing. Without rights
    on Secrets, deployments name Secrets that somebody else made.
    """
    from seldon_deployer import naming
    from seldon_deployer.cluster import rbac_manifest

    for option, name in (("--namespace", namespace), *(("--secret-name", n) for n in secret_names)):
        if not naming.is_dns_subdomain(name):
            raise UsageError(
                f"{option}: {name!r} is no name of a Kubernetes object",
                hint="lower-case letters, digits, '-' and '.'",
            )
    text = rbac_manifest(namespace, manages_secrets=manage_secrets, secret_names=secret_names)
    click.echo(text, nl=False)
