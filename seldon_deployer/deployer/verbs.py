"""`Deployer`: deploy models to one end, and find, stop, start and delete what was deployed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from seldon_deployer import naming
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.cluster.failures import api_missing
from seldon_deployer.cluster.rights import TO_SEE_IT_GO, check_may_wait
from seldon_deployer.config import DeploymentConfig, Part
from seldon_deployer.deployer import scale
from seldon_deployer.deployer.carry_out import carry_out
from seldon_deployer.deployer.credentials import StorageCredentials
from seldon_deployer.deployer.difference import Difference
from seldon_deployer.deployer.end import End, Runtime, choose_end, local_end
from seldon_deployer.deployer.found_models import check_all_can_run, find_models
from seldon_deployer.deployer.lookup import find_live, list_ours, remove
from seldon_deployer.deployer.owners import find_conflicts, newly_shared, tell_others, tell_owners
from seldon_deployer.deployer.plan import Plan, Planner, Wish, build
from seldon_deployer.deployer.plan_manifest import ManifestWish, plan_manifest
from seldon_deployer.deployer.preflight import Preflight, look_before
from seldon_deployer.deployer.restart import restart_users
from seldon_deployer.deployer.settle import OnFailure, settle
from seldon_deployer.manifest.build import needs_orchestrator
from seldon_deployer.service import Service

log = logging.getLogger(__name__)

Progress = Callable[[str], None]


class Deployer:
    """Deploys models to one Kubernetes API: a cluster's or the embedded runtime's."""

    def __init__(
        self, end: End, *, preflight: Preflight = "warn", server_image: str | None = None
    ) -> None:
        self._end = end
        self._server_image = server_image
        self._preflight: Preflight = preflight
        self._is_api_there = False

    @classmethod
    def connect(
        cls,
        *,
        runtime: Runtime = "auto",
        context: str | None = None,
        namespace: str | None = None,
        base_url: str | None = None,
        kubeconfig: str | Path | None = None,
        api_client: Any = None,
        preflight: Preflight = "warn",
        server_image: str | None = None,
    ) -> Deployer:
        """Choose the end and connect to it; the rules are those of `end.choose_end`.

        preflight: what `deploy` does unless it is told otherwise. server_image: for servers of
        ours on a cluster, where a configuration names none; by default the one that
        SELDON_DEPLOYER_SERVER_IMAGE names.
        """
        return cls(
            choose_end(
                runtime=runtime,
                context=context,
                namespace=namespace,
                base_url=base_url,
                kubeconfig=kubeconfig,
                api_client=api_client,
            ),
            preflight=preflight,
            server_image=server_image,
        )

    @classmethod
    def local(
        cls,
        *,
        namespace: str = "default",
        home: Path | str | None = None,
        preflight: Preflight = "warn",
    ) -> Deployer:
        """Use the embedded runtime, starting it if it does not run."""
        folder = None if home is None else Path(home)
        return cls(local_end(namespace=namespace, home=folder), preflight=preflight)

    @property
    def cluster(self) -> Cluster:
        """The Kubernetes API that is deployed to."""
        return self._end.cluster

    @property
    def is_local(self) -> bool:
        """Whether deployments go to the embedded runtime."""
        return self._end.is_local

    @property
    def base_url(self) -> str | None:
        """What prediction URLs start with, if it is known."""
        return self._end.base_url

    def deploy(
        self,
        config: DeploymentConfig,
        *,
        credentials: StorageCredentials | None = None,
        record: ArtifactRecord = NO_RECORD,
        preflight: Preflight | None = None,
        ignore: Iterable[str] = (),
        timeout_seconds: float = 300,
        force: bool = False,
        adopt: bool = False,
        on_failure: OnFailure = "rollback",
        progress: Progress | None = None,
    ) -> Service:
        """Serve a model, or update the one of that name in place, and wait until it serves.

        credentials: make or refresh a Secret of them and name it, unless the configuration names
        one; it is shared by the deployments that use it.
        record: what a pipeline noted of the artifact when it stored it.
        preflight: what is asked before anything is sent; see `preflight.Preflight`.
        ignore: names of rules of advice (`validate --rules`, `live_advice`) that are not asked.
        force: take fields that other managers own, replicas too.
        adopt: take over a SeldonDeployment that somebody else created.
        on_failure: undo what does not serve (a first deployment is removed, an update goes back
        to what was before), or keep it for inspection.
        progress: gets short sentences; the log does without it.
        Raises DeploymentFailed or DeploymentTimeout, and before anything is written whatever the
        checks find: ArtifactError, StorageError, ManifestError, OwnershipError, InvalidName,
        ClusterError.
        """
        started = time.monotonic()
        tell = progress or log.info
        wish = Wish(
            config, credentials, record, preflight or self._preflight, tuple(ignore), force, adopt
        )
        live = carry_out(
            self._end,
            self._plan(wish, tell),
            timeout_seconds=timeout_seconds,
            started=started,
            on_failure=on_failure,
            tell=tell,
        )
        return self._service(live)

    def deploy_manifest(
        self,
        manifest: Mapping[str, Any],
        *,
        preflight: Preflight | None = None,
        ignore: Iterable[str] = (),
        timeout_seconds: float = 300,
        force: bool = False,
        adopt: bool = False,
        on_failure: OnFailure = "rollback",
        progress: Progress | None = None,
    ) -> Service:
        """Serve what a SeldonDeployment of your own asks for, as it is, and wait until it serves.

        It is checked, applied, watched and undone like one of ours, and gets our labels, a
        revision on each predictor, and `spec.replicas` where it has none. Models are served from
        where it says: nothing is converted. The arguments are those of `deploy`, as are the errors.
        """
        started = time.monotonic()
        tell = progress or log.info
        wish = ManifestWish(manifest, preflight or self._preflight, tuple(ignore), force, adopt)
        live = carry_out(
            self._end,
            self._plan_manifest(wish, tell),
            timeout_seconds=timeout_seconds,
            started=started,
            on_failure=on_failure,
            tell=tell,
        )
        return self._service(live)

    def diff(
        self,
        config: DeploymentConfig,
        *,
        credentials: StorageCredentials | None = None,
        record: ArtifactRecord = NO_RECORD,
        preflight: Preflight | None = None,
        ignore: Iterable[str] = (),
        force: bool = False,
        adopt: bool = False,
    ) -> Difference:
        """What `deploy` would change, as the API server says in a dry run.

        Writes nothing but a converted copy beside the artifact, as `deploy` would.
        Fields that others own are no error here: the Difference tells them (`conflicts`).
        Raises what `deploy` raises before it writes.
        """
        wish = Wish(
            config, credentials, record, preflight or self._preflight, tuple(ignore), force, adopt
        )
        return self._compare(self._plan(wish, log.info))

    def diff_manifest(
        self,
        manifest: Mapping[str, Any],
        *,
        preflight: Preflight | None = None,
        ignore: Iterable[str] = (),
        force: bool = False,
        adopt: bool = False,
    ) -> Difference:
        """What `deploy_manifest` would change, as the API server says in a dry run."""
        wish = ManifestWish(manifest, preflight or self._preflight, tuple(ignore), force, adopt)
        return self._compare(self._plan_manifest(wish, log.info))

    def find(
        self,
        *,
        model_name: str | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> list[Service]:
        """What this package deployed to the namespace: all, or what matches. One LIST."""
        found = list_ours(self.cluster, model_name=model_name, name=name, labels=labels)
        services = [self._service(each) for each in found]
        return [each for each in services if model_name in (None, each.model_name)]

    def get(self, name: str) -> Service:
        """The service with that resource name or model name. Raises NotFound."""
        return self._service(find_live(self.cluster, name))

    def stop(self, name: str, *, timeout_seconds: float = 60) -> Service:
        """End all replicas of a service and keep everything else; `start` brings them back."""
        return self._scale(name, scale.stopped, timeout_seconds)

    def start(self, name: str, *, timeout_seconds: float = 300) -> Service:
        """Bring a stopped service back to as many replicas as it had, and wait until it serves."""
        return self._scale(name, scale.started, timeout_seconds)

    def delete(self, name: str, *, timeout_seconds: float = 60) -> None:
        """Delete what this package deployed under that name, and wait until it is gone.

        Raises NotFound, OwnershipError for a resource of somebody else, or DeploymentTimeout.
        """
        live = find_live(self.cluster, name, ours=True)
        if not self.is_local:
            check_may_wait(self.cluster, TO_SEE_IT_GO)
        tell_others(live, log.warning)
        remove(self.cluster, live, timeout_seconds=timeout_seconds)

    def render(self, config: DeploymentConfig) -> Object:
        """The manifest that a first deployment of this configuration would apply. No request."""
        models = find_models(
            config,
            is_local=self.is_local,
            tell=log.info,
            server_image=self._server_image,
            is_offline=True,
        )
        own = models.get(Part(naming.DEFAULT_PREDICTOR, config.name))
        orchestrator = needs_orchestrator(config, own.implementation if own else None)
        return build(
            config,
            models,
            namespace=self.cluster.namespace,
            orchestrator=orchestrator,
            is_local=self.is_local,
        )

    def restart_users(
        self, secret: Object, *, timeout_seconds: float = 300, progress: Progress | None = None
    ) -> list[str]:
        """Start the pods of all deployments that use a Secret anew, and wait for each of them.

        Returns their names. Raises DeploymentFailed or DeploymentTimeout when one does not serve
        with it; that one goes back to what it was.
        """
        return restart_users(
            self._end, secret, timeout_seconds=timeout_seconds, tell=progress or log.info
        )

    def _plan(self, wish: Wish, tell: Progress) -> Plan:
        """Look at the model and at what is there, and say what to apply."""
        check_all_can_run(wish.config, is_local=self.is_local, server_image=self._server_image)
        self._check_api()
        before = look_before(self.cluster, wish.config.name)
        planner = Planner(
            self.cluster,
            wish,
            before,
            is_local=self.is_local,
            tell=tell,
            server_image=self._server_image,
            volumes=self._end.volumes,
        )
        return planner.plan()

    def _plan_manifest(self, wish: ManifestWish, tell: Progress) -> Plan:
        self._check_api()
        return plan_manifest(
            self.cluster, wish, is_local=self.is_local, tell=tell, volumes=self._end.volumes
        )

    def _compare(self, plan: Plan) -> Difference:
        existing = plan.before.existing
        held = () if existing is None else find_conflicts(self.cluster, plan.manifest)
        after = self.cluster.apply(
            SELDON_DEPLOYMENTS, plan.manifest, force=plan.force or bool(held), dry_run=True
        )
        return Difference(
            before=existing,
            after=after,
            conflicts=() if plan.force else held,
            taken=held if plan.force else (),
            shared=newly_shared(existing, after),
        )

    def _scale(
        self, name: str, change: Callable[[Object], Object], timeout_seconds: float
    ) -> Service:
        started = time.monotonic()
        live = find_live(self.cluster, name, ours=True)
        before = look_before(self.cluster, live["metadata"]["name"])
        if not self.is_local:
            check_may_wait(self.cluster)
        # Whoever set the replicas before: this was asked for now.
        applied = self.cluster.apply(SELDON_DEPLOYMENTS, change(live), force=True)
        tell_owners(live, applied, log.info)
        settled = settle(
            self._end,
            applied,
            before,
            timeout_seconds=timeout_seconds,
            started=started,
            on_failure="keep",
            tell=log.info,
        )
        return self._service(settled)

    def _check_api(self) -> None:
        """One discovery call before the first write; Seldon does not go away meanwhile."""
        if not self._is_api_there and not self.cluster.serves(SELDON_DEPLOYMENTS):
            raise api_missing()
        self._is_api_there = True

    def _service(self, live: Object) -> Service:
        return Service(self.cluster, live, base_url=self.base_url)
