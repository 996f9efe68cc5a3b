"""Deployments with credentials, at both ends: the values are in the Secret, and nowhere else."""

from __future__ import annotations

import json
import logging

import pytest
from canary import CANARIES, canaries_in, told_by

from seldon_deployer.cluster import (
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SECRETS,
    SELDON_DEPLOYMENTS,
    SERVICES,
)
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer, StorageCredentials
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.secrets import parse_credentials

ALL = (SELDON_DEPLOYMENTS, DEPLOYMENTS, PODS, EVENTS, SERVICES, SECRETS)


def credentials(token=CANARIES[2]):
    access, secret, _ = CANARIES
    keys = {
        "rclone_config_s3_access_key_id": access,
        "rclone_config_s3_secret_access_key": secret,
        "rclone_config_s3_session_token": token,
        # Nobody listens there, so the store is asked and does not answer.
        "rclone_config_s3_endpoint": "http://127.0.0.1:9",
    }
    return StorageCredentials("storage", parse_credentials("seldon_s3", keys))


def assert_clean(cluster, *texts):
    for text in texts:
        assert canaries_in(text) == []
    for resource in ALL:
        for each in cluster.list(resource)[0]:
            shown = {key: value for key, value in each.items() if key != "data"}
            assert canaries_in(json.dumps(shown)) == []


@pytest.mark.parametrize("act", ["serve", "crash"])
def test_nothing_but_the_secret_holds_them(cluster, operator, caplog, act):
    caplog.set_level(logging.DEBUG)
    deployer = Deployer(DeployerEnd(cluster, is_local=False, base_url=None))
    config = DeploymentConfig(
        model_name="iris", model_uri="s3://models/iris", implementation="SKLEARN_SERVER"
    )
    operator.act = getattr(operator, act)
    told = []
    try:
        service = deployer.deploy(
            config,
            credentials=credentials(),
            timeout_seconds=60,
            progress=told.append,
            on_failure="keep",
        )
        told += [repr(service), json.dumps(service.manifest)]
    except SeldonDeployerError as error:
        told.append(told_by(error))
    assert canaries_in(json.dumps(cluster.get(SECRETS, "storage")))
    told.append(str(deployer.diff(config, credentials=credentials())))
    told.append(json.dumps(deployer.render(config)))
    rotated = CANARIES[2] + "rotated"
    # A Secret that may not be changed: the API refuses, and would quote what it was sent.
    cluster.patch(SECRETS, "storage", {"immutable": True})
    with pytest.raises(SeldonDeployerError) as caught:
        deployer.deploy(config, credentials=credentials(rotated), timeout_seconds=60)
    with pytest.raises(SeldonDeployerError) as strict:
        deployer.deploy(config, credentials=credentials(), preflight="strict")
    assert_clean(cluster, caplog.text, told_by(caught.value), told_by(strict.value), *told)
