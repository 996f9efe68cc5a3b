"""`Service`: the handle of one SeldonDeployment."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from seldon_deployer import naming
from seldon_deployer.client import InferenceClient
from seldon_deployer.client.exchange import Returns
from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.errors import ClusterError, NotFound, PredictionError
from seldon_deployer.manifest.diagnosis import Diagnosis, diagnose
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import Ready, assess
from seldon_deployer.manifest.revision import revisions
from seldon_deployer.service.logs import read_logs
from seldon_deployer.service.observe import observe

log = logging.getLogger(__name__)

# An ingress whose pods are none, or that knows no such name; None is no answer at all.
_NOBODY_THERE = frozenset({None, 404, 502, 503})


class Service:
    """One deployed model.

    Its properties are of the moment when it was read; `refresh` reads again. Predictions go over
    HTTP, through `base_url` where it is known, and reuse their connections.
    """

    def __init__(self, cluster: Cluster, manifest: Object, *, base_url: str | None = None) -> None:
        self._cluster = cluster
        self._base_url = base_url
        self.manifest = manifest
        """The SeldonDeployment as the API last told it."""

    def __repr__(self) -> str:
        return f"<Service {self.name} in namespace {self.namespace}: {self.state}>"

    @property
    def name(self) -> str:
        """Name of the SeldonDeployment."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Namespace of the SeldonDeployment."""
        return str(self.manifest["metadata"].get("namespace") or self._cluster.namespace)

    @property
    def model_name(self) -> str:
        """The model's name as it was given; the resource's where we did not create it."""
        return self._annotation(naming.MODEL_NAME_ANNOTATION) or self.name

    @property
    def model_uri(self) -> str | None:
        """Where the model was said to lie; where it is served from if that was not recorded."""
        graph = self._predictor.get("graph") or {}
        return self._annotation(naming.MODEL_URI_ANNOTATION) or graph.get("modelUri")

    @property
    def protocol(self) -> str:
        """`seldon` or `v2`; kfserving is v2's older name."""
        protocol = self.manifest["spec"].get("protocol") or "seldon"
        return "v2" if protocol == "kfserving" else str(protocol)

    @property
    def prediction_url(self) -> str | None:
        """The whole URL that takes predictions.

        Without a base URL the address inside the cluster, which is None until Seldon gives it.
        """
        graph = self._predictor["graph"]
        # A model named in the path would be the one that every unit of a graph is asked for.
        model = "" if graph.get("children") else f"{graph['name']}/"
        if self._base_url is None:
            address = (self.manifest.get("status") or {}).get("address") or {}
            url: str | None = address.get("url")
            return url and url.replace(f"/v2/models/{graph['name']}/", f"/v2/models/{model}")
        base = f"{self._base_url.rstrip('/')}/seldon/{self.namespace}/{self.name}"
        if self.protocol == "v2":
            return f"{base}/v2/models/{model}infer"
        return f"{base}/api/v1.0/predictions"

    @property
    def state(self) -> str:
        """Available, Creating, Failed, or Stopped when no replica is wanted.

        Of an update it may still tell the revision before: `is_ready` tells of this one.
        """
        if self.replicas == 0:
            return "Stopped"
        return str((self.manifest.get("status") or {}).get("state") or "Creating")

    @property
    def replicas(self) -> int:
        """How many replicas are wanted."""
        spec = self.manifest["spec"]
        given = self._predictor.get("replicas", spec.get("replicas", 1))
        return 1 if given is None else int(given)

    @property
    def revision(self) -> str | None:
        """The stamp of what is deployed: it changes when, and only when, the pods must."""
        return next(iter(revisions(self.manifest).values()), None)

    def refresh(self) -> Service:
        """Read it again. Raises NotFound when it is gone."""
        live = self._cluster.get(SELDON_DEPLOYMENTS, self.name, self.namespace)
        if live is None:
            raise NotFound(
                f"there is no SeldonDeployment {self.name} in namespace {self.namespace} any more",
                hint="deploy it again",
                status=404,
            )
        self.manifest = live
        return self

    def is_ready(self) -> bool:
        """Whether all pods that serve are of this revision: two requests."""
        self.refresh()
        verdict = assess(self.manifest, observe(self._cluster, self.manifest))
        return isinstance(verdict, Ready) and not verdict.is_stopped

    def observe(self) -> Observation:
        """Read it again with its Deployments, its pods, and the events of the first of them."""
        self.refresh()
        return observe(self._cluster, self.manifest, pods=True)

    def diagnose(self) -> Diagnosis | None:
        """What looks wrong with it, from its pods and their events; None if nothing does."""
        observed = self.observe()
        return diagnose(self.manifest, observed)

    def predict(
        self,
        data: Any,
        *,
        names: Sequence[str] | None = None,
        returns: Returns = "value",
        timeout_seconds: float | None = None,
    ) -> Any:
        """Ask for a prediction, as `InferenceClient.predict` does.

        `data`: an array or rows (rows, features), a frame (its columns give the names), a list of
        dicts, one row of a frame, a text, bytes; answered by an array, text, bytes or JSON value.
        A dict by itself is a whole message of the protocol and is answered by the whole message.
        `returns` asks for the `message`, or a `pandas` or `polars` frame, instead.
        Raises PredictionError, or PayloadError for what cannot be sent.
        """
        with self._told_why_absent():
            return self._client.predict(
                data, names=names, returns=returns, timeout_seconds=timeout_seconds
            )

    @contextmanager
    def asking(self, **options: Any) -> Iterator[InferenceClient]:
        """A client as `client` makes it, closed in the end; errors are told as by `predict`."""
        with self._told_why_absent(), self.client(**options) as client:
            yield client

    @contextmanager
    def _told_why_absent(self) -> Iterator[None]:
        try:
            yield
        except PredictionError as error:
            if (known := self._why_absent(error)) is None:
                raise
            raise known from error

    def _why_absent(self, error: PredictionError) -> PredictionError | None:
        """A better answer where nobody was there to ask: it is stopped, or gone."""
        if error.status not in _NOBODY_THERE:
            return None
        try:
            live = self._cluster.get(SELDON_DEPLOYMENTS, self.name, self.namespace)
        except ClusterError:
            # What was seen first is told.
            return None
        if live is None:
            what, hint = f"{self.name} was deleted", "deploy it again"
        elif Service(self._cluster, live).replicas == 0:
            what, hint = f"{self.name} is stopped", f"seldon-deployer start {self.name}"
        else:
            return None
        return PredictionError(what, hint=hint, status=error.status)

    def client(self, **options: Any) -> InferenceClient:
        """Make a client of its own, with options that `predict` has not.

        Those are the options of InferenceClient: `transport`, `auth`, `headers`, `tls`, `binary`,
        `retries`, timeouts. Raises PredictionError while the deployment has no address.
        """
        if self.prediction_url is None and self.refresh().prediction_url is None:
            raise PredictionError(
                f"{self.name} has no address yet",
                why=f"its state is {self.state}",
                hint=f"seldon-deployer status {self.name}",
            )
        if self._base_url is None:
            log.warning(
                "no base URL is known: using %s, which only the cluster's own pods reach. "
                "Give base_url (--base-url), the address of its ingress",
                self.prediction_url,
            )
        return InferenceClient(self, **options)

    def logs(
        self,
        container: str | None = None,
        *,
        tail: int | None = None,
        follow: bool = False,
        previous: bool = False,
    ) -> Iterator[str]:
        """The log lines of its pods: of all containers, or of the named one.

        With more than one source each line begins with `pod/container: `. `tail` counts per
        source, `previous` reads the run before the last restart, `follow` goes on for ever.
        """
        return read_logs(
            self._cluster,
            self.manifest,
            container=container,
            tail=tail,
            follow=follow,
            previous=previous,
        )

    @property
    def _predictor(self) -> Object:
        return next(iter(predictors(self.manifest)), {})

    @cached_property
    def _client(self) -> InferenceClient:
        return self.client()

    def _annotation(self, key: str) -> str | None:
        return (self.manifest["metadata"].get("annotations") or {}).get(key)
