"""What a deploy would apply: looked up, checked and built, before anything is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seldon_deployer import naming
from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.cluster import Cluster, Object
from seldon_deployer.config import DeploymentConfig, Part, parts
from seldon_deployer.deployer import preflight as checks
from seldon_deployer.deployer.ask_around import Asking
from seldon_deployer.deployer.credentials import StorageCredentials, choose_secret
from seldon_deployer.deployer.found_models import find_models, is_remote, note_models
from seldon_deployer.deployer.interpreter import interpreter
from seldon_deployer.deployer.model import Model
from seldon_deployer.deployer.preflight import Before, Preflight
from seldon_deployer.deployer.restart import keep_restarts
from seldon_deployer.errors import UsageError
from seldon_deployer.manifest.build import build_manifest

log = logging.getLogger(__name__)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What `deploy` is asked for; its arguments tell what each means."""

    config: DeploymentConfig
    credentials: StorageCredentials | None = None
    record: ArtifactRecord = NO_RECORD
    preflight: Preflight = "warn"
    ignore: tuple[str, ...] = ()
    force: bool = False
    adopt: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.config, DeploymentConfig):
            raise UsageError(
                f"a {type(self.config).__name__} is no DeploymentConfig",
                hint='DeploymentConfig(model_name="iris", model_uri="model.joblib"); a whole '
                "SeldonDeployment goes to deploy_manifest",
            )


@dataclass(frozen=True)
class Plan:
    """What a deploy applies, over what was there.

    made_from: the Secret to make first. secret: the one that is used, as it was read.
    """

    manifest: Object
    before: Before
    force: bool
    made_from: StorageCredentials | None = None
    secret: Object | None = field(default=None, repr=False)


class Planner:
    """Plans one deployment to one cluster. Writes nothing but a converted copy of the model."""

    def __init__(
        self,
        cluster: Cluster,
        wish: Wish,
        before: Before,
        *,
        is_local: bool,
        tell: Tell,
        server_image: str | None = None,
        volumes: Path | None = None,
    ) -> None:
        self._cluster = cluster
        self._wish = wish
        self._before = before
        self._is_local = is_local
        self._tell = tell
        self._server_image = server_image
        given = wish.credentials if is_remote(wish.config) else None
        self._choice = choose_secret(secret_name=wish.config.secret_name, made_from=given)
        self._config = wish.config.model_copy(update={"secret_name": self._choice.name})
        self._asking = Asking(
            cluster,
            is_local=is_local,
            preflight=wish.preflight,
            ignore=wish.ignore,
            made_from=self._choice.made_from,
            volumes=volumes,
        )

    def plan(self) -> Plan:
        """Look at the models and at what is there, and say what to apply.

        Raises ArtifactError, StorageError, ConfigError, ManifestError, OwnershipError or
        InvalidName.
        """
        existing = self._before.existing
        if existing is not None:
            checks.check_ours(existing, self._config.model_name, adopt=self._wish.adopt)
        self._config = checks.keep_own_pod(self._config, existing)
        if is_remote(self._config):
            # Before its credentials are used, or told of, whether there are any.
            self._asking.check_cluster(_sketch(self._config), tells=False)
            log.info("%s", self._choice.told)
        models = find_models(
            self._config,
            is_local=self._is_local,
            tell=self._tell,
            stores=self._asking.stores,
            existing=existing,
            record=self._wish.record,
            server_image=self._server_image,
        )
        orchestrator = checks.choose_orchestrator(
            self._config, _implementation(self._config, models), existing, self._tell
        )
        manifest = build(
            self._config,
            models,
            namespace=self._cluster.namespace,
            orchestrator=orchestrator,
            is_local=self._is_local,
            ignore=self._wish.ignore,
        )
        manifest = keep_restarts(manifest, existing)
        self._asking.check_cluster(manifest)
        self._asking.check_stores(manifest)
        checks.check_nobody_elses(self._cluster, manifest, self._before)
        if not self._wish.force:
            manifest = checks.yield_replicas(manifest, existing, self._tell)
        is_taken_over = existing is not None and not checks.is_ours(existing)
        return Plan(
            manifest,
            self._before,
            self._wish.force or is_taken_over,
            self._choice.made_from,
            self._asking.secret(self._choice.name),
        )


def build(
    config: DeploymentConfig,
    models: Mapping[Part, Model],
    *,
    namespace: str,
    orchestrator: bool,
    is_local: bool,
    ignore: tuple[str, ...] = (),
) -> Object:
    """The manifest of a configuration and its models, checked by all that needs no cluster."""
    own = models.get(_own_part(config), Model(None, None, ""))
    manifest = build_manifest(
        config,
        namespace=namespace,
        orchestrator=orchestrator,
        uri=own.uri,
        implementation=own.implementation,
        fingerprint=own.fingerprint,
        # The units of the embedded runtime run with the libraries that trained the model.
        python=interpreter() if is_local else None,
        models=models,
    )
    note_models(manifest, config, models)
    checks.check_manifest(manifest, ignore=ignore)
    return manifest


def _implementation(config: DeploymentConfig, models: Mapping[Part, Model]) -> str | None:
    model = models.get(_own_part(config))
    return None if model is None else model.implementation


def _own_part(config: DeploymentConfig) -> Part:
    return Part(naming.DEFAULT_PREDICTOR, config.name)


def _sketch(config: DeploymentConfig) -> Object:
    """Of the manifest to come, what says how its models are fetched."""
    graphs = [
        {
            "name": part.unit,
            "modelUri": alone.model_uri,
            **({"envSecretRefName": alone.secret_name} if alone.secret_name else {}),
        }
        for part, alone in parts(config).items()
        if alone.model_uri is not None
        and not alone.is_on_volume
        and local_path(alone.model_uri) is None
    ]
    return {
        "metadata": {"name": config.name},
        "spec": {"predictors": [{"name": each["name"], "graph": each} for each in graphs]},
    }
