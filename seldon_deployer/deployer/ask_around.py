"""What is asked of the cluster and of the stores about a manifest, before it is sent."""

from __future__ import annotations

import logging
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from seldon_deployer.artifacts.location import local_path
from seldon_deployer.catalogue import known_servers
from seldon_deployer.cluster import NAMESPACES, Cluster, Object
from seldon_deployer.deployer.credentials import StorageCredentials
from seldon_deployer.deployer.live_advice import LIVE_RULES, check_live
from seldon_deployer.deployer.live_facts import gather_facts
from seldon_deployer.deployer.live_secrets import LiveSecrets
from seldon_deployer.deployer.preflight import Preflight
from seldon_deployer.deployer.references import model_references
from seldon_deployer.deployer.stores import Stores
from seldon_deployer.errors import ManifestError, NotFound, PermissionDenied, UsageError
from seldon_deployer.manifest.advice import RULES

log = logging.getLogger(__name__)


class Asking:
    """Asks as `preflight` says; each Secret and each address once.

    ignore: names of rules of advice that are not asked. made_from: the credentials that a Secret
    will be made of before the manifest is sent. volumes: the folder of the embedded runtime's
    claims. Raises UsageError for a rule that is none.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        is_local: bool,
        preflight: Preflight,
        ignore: tuple[str, ...] = (),
        made_from: StorageCredentials | None = None,
        volumes: Path | None = None,
    ) -> None:
        _check_rules(ignore)
        self._cluster = cluster
        self._is_local = is_local
        self._preflight: Preflight = preflight
        self._ignore = ignore
        self._secrets = LiveSecrets(cluster, made_from)
        self._volumes = volumes
        self.stores = Stores(self._secrets, preflight=preflight, volumes=volumes)

    def check_cluster(self, manifest: Object, *, tells: bool = True) -> None:
        """Raise ManifestError for what cannot start as the cluster is; warn of the rest."""
        if self._preflight == "off":
            return
        facts = gather_facts(
            self._cluster,
            manifest,
            self._secrets,
            is_local=self._is_local,
            volumes=self._volumes,
        )
        found = check_live(manifest, facts, ignore=self._ignore, strict=self._preflight == "strict")
        errors = [each for each in found if each.severity == "error"]
        if errors:
            self._check_namespace()
            where = "on the embedded runtime" if self._is_local else "as this cluster is"
            at = " --runtime local" if self._is_local else ""
            name = manifest["metadata"]["name"]
            raise ManifestError(
                f"{name} would not start {where}",
                # Several fields may want the same thing.
                why="; ".join(dict.fromkeys(f"{each.message}: {each.reason}" for each in errors)),
                hint="make what is missing first (credentials: seldon-deployer secret apply FILE"
                f"{at}, and secret_name names them), or send it all the same with preflight=off",
            )
        for each in found if tells else ():
            log.warning("%s: %s (%s)", each.field, each.message, each.reason)

    def _check_namespace(self) -> None:
        """Raise NotFound where the namespace itself is what is missing, as far as we may look.

        The embedded runtime's is made with the first deployment.
        """
        name = self._cluster.namespace
        if self._is_local:
            return
        with suppress(PermissionDenied):
            if self._cluster.get(NAMESPACES, name) is None:
                raise NotFound(
                    f"there is no namespace {name}",
                    hint=f"name one that is there, or make it: kubectl create namespace {name}",
                    status=404,
                )

    def check_stores(self, manifest: Object) -> None:
        """Look at every model that an initializer will fetch, but those that were looked at."""
        protocol = manifest["spec"].get("protocol") or "seldon"
        for each in model_references(manifest):
            if local_path(each.uri) is not None or self.stores.knows(each.uri, each.secret):
                continue
            server = known_servers().get(each.implementation or "")
            wanted = server.files.get(protocol, ()) if server else ()
            self.stores.look(each.uri, each.secret, wanted)

    def secret(self, name: str | None) -> Object | None:
        """A Secret as it was read; None where nobody asks, or it is not there."""
        if name is None or self._preflight == "off":
            return None
        return self._secrets.read(name).live


def _check_rules(ignore: tuple[str, ...]) -> None:
    """Raise UsageError for a name that no rule has: a typo would silence nothing."""
    known = {**RULES, **LIVE_RULES}
    for name in ignore:
        if name not in known:
            similar = get_close_matches(name, known, n=1)
            raise UsageError(
                f"there is no rule {name!r}",
                hint=f"did you mean {similar[0]}?" if similar else f"one of {', '.join(known)}",
            )
