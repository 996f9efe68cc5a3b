"""`seldon-deployer rbac`."""

from __future__ import annotations

import click


@click.command()
@click.option("--namespace", "-n", metavar="NS", default="default", show_default=True)
def command(namespace: str) -> None:
    """Print the least that deploying to a namespace needs: ServiceAccount, Role and RoleBinding.

    For `seldon-deployer rbac -n models | kubectl apply -f -`. Connects to nothing.
    """
    from seldon_deployer.cluster import rbac_manifest

    click.echo(rbac_manifest(namespace), nl=False)
