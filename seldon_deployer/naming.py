"""Names, labels and annotations that this package writes.

Kubernetes names are DNS-1035 labels here: Seldon's webhook accepts more, but its operator then
fails on the Services it makes of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from hashlib import md5, sha256

from seldon_deployer.errors import InvalidName

FIELD_MANAGER = "seldon-deployer"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
# The sanitised model name; the full one is in MODEL_NAME_ANNOTATION.
MODEL_NAME_LABEL = "seldon-deployer/model-name"
MODEL_NAME_ANNOTATION = "seldon-deployer/model-name"
MODEL_URI_ANNOTATION = "seldon-deployer/model-uri"
# On each predictor, hence on its Deployments and pods: a hash of all that changes its pods.
REVISION_ANNOTATION = "seldon-deployer/revision"
# What was found in stores, by unit: kept where a store cannot be asked.
ARTIFACTS_ANNOTATION = "seldon-deployer/artifacts"
# On a predictor: the folder that holds a Python class, for the embedded runtime.
CODE_PATH_ANNOTATION = "seldon-deployer/code-path"
# On a predictor: the interpreter of the environment that deployed it, for the embedded runtime.
PYTHON_ANNOTATION = "seldon-deployer/python"
# Where a container of the operator's finds what its initializer fetched.
MODELS_MOUNT = "/mnt/models"
# Where the embedded runtime lays what a cluster mounts at PODINFO: told to a unit's process.
PODINFO = "/etc/podinfo"
PODINFO_VARIABLE = "SELDON_DEPLOYER_PODINFO"
NO_ENGINE_ANNOTATION = "seldon.io/no-engine"
ENGINE_SEPARATE_ANNOTATION = "seldon.io/engine-separate-pod"

# Of the folder beside a model that holds copies for its servers, one for each content and layout.
CONVERTED_SUFFIX = ".seldon-deployer"
DEFAULT_PREDICTOR = "default"
# The Deployment is called `<name>-default-0-<name>`: past 63 the operator puts a digest there.
MAX_NAME_LENGTH = 26

_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ADDRESS = re.compile(r".*://|[A-Za-z][\w+.-]+:/|(?i:s3|gs|azureblob|pvc):", re.DOTALL)
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def is_dns_label(name: str) -> bool:
    """Whether `name` is a DNS-1035 label of at most 63 characters."""
    return len(name) <= 63 and _DNS_1035.fullmatch(name) is not None


def is_dns_subdomain(name: str) -> bool:
    """Whether Kubernetes takes `name` for most of its objects, Secrets among them."""
    return len(name) <= 253 and _DNS_SUBDOMAIN.fullmatch(name) is not None


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes `text` as a label's value."""
    return len(text) <= 63 and _LABEL_VALUE.fullmatch(text) is not None


def is_label_key(key: str) -> bool:
    """Whether Kubernetes takes `key` for a label or an annotation: `name` or `domain/name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_dns_subdomain(prefix):
        return False
    return bool(name) and is_label_value(name)


def resource_name(model_name: str) -> str:
    """Turn a model name into the stable name of its SeldonDeployment.

    Lower case; other characters become one hyphen; a long name is cut and ends in a hash of the
    whole, so that two long names stay two. The same model name always gives the same name.
    Raises InvalidName when no letter or digit is left.
    """
    folded = unicodedata.normalize("NFKD", model_name.casefold())
    ascii_name = folded.encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")
    if not name:
        raise InvalidName(
            f"the model name {model_name!r} cannot become a Kubernetes name",
            why="no ASCII letter or digit is left of it",
            hint="use a name with letters, such as iris-classifier",
        )
    if not name[0].isalpha():
        name = f"m-{name}"
    if len(name) > MAX_NAME_LENGTH:
        name = f"{name[: MAX_NAME_LENGTH - 9].rstrip('-')}-{short_hash(model_name)}"
    return name


def label_value(text: str) -> str:
    """Turn any text into a valid label value of at most 63 characters; '' when nothing is left."""
    if is_label_value(text):
        return text
    value = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-_.")
    if len(value) > 63:
        value = f"{value[:54].rstrip('-_.')}-{short_hash(text)}"
    return value


def secret_name(text: str) -> str:
    """Turn any text into the name of a Kubernetes Secret; the same text always gives the same.

    What is a name already stays as it is; any other becomes lower case and hyphens, and ends in a
    hash of the whole, so that `s3_models` and `s3-models` stay two.
    """
    if is_dns_subdomain(text):
        return text
    folded = unicodedata.normalize("NFKD", text.casefold())
    ascii_name = folded.encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", ascii_name)[:54].strip("-")
    return f"{name or 'secret'}-{short_hash(text)}"


def seldon_name(*parts: str) -> str:
    """Join parts into a name as Seldon's operator does: past 63 characters it takes a digest."""
    name = "-".join(parts)
    if len(name) <= 63:
        return name
    return f"seldon-{md5(name.encode(), usedforsecurity=False).hexdigest()}"


def label_selector(labels: Mapping[str, str]) -> str:
    """Write equality requirements as a label selector, in a stable order."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def short_hash(text: str) -> str:
    """Eight hex digits of SHA-256."""
    return sha256(text.encode()).hexdigest()[:8]


def is_address(uri: str) -> bool:
    """Whether a model's URI is an address, of whatever store, and no path of this machine.

    One slash is one too few for most, and an address all the same (a letter alone names a disk);
    rclone's own names of stores are addresses without any slash: `s3:bucket/path`.
    """
    return _ADDRESS.match(uri) is not None
