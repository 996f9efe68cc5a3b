"""The verbs: deploy, find, get, stop, start, delete, render, diff."""

from __future__ import annotations

from seldon_deployer.deployer.credentials import SecretChoice, StorageCredentials, choose_secret
from seldon_deployer.deployer.preflight import Preflight
from seldon_deployer.deployer.verbs import Deployer

__all__ = ["Deployer", "Preflight", "SecretChoice", "StorageCredentials", "choose_secret"]
