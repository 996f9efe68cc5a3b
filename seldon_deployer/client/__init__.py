"""Ask a deployed model: predictions, feedback, explanations, metadata, over HTTP.

What is asked and what an answer means is decided in `exchange`, without any I/O; `http` and
`http_async` only carry it. Importing this loads neither an HTTP library nor numpy.
"""

from __future__ import annotations

from seldon_deployer.client.asynchronous import AsyncInferenceClient
from seldon_deployer.client.connection import Auth, Tls
from seldon_deployer.client.retries import Retries
from seldon_deployer.client.synchronous import InferenceClient

__all__ = ["AsyncInferenceClient", "Auth", "InferenceClient", "Retries", "Tls"]
