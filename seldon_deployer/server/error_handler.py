"""`model_error_handler`: a blueprint of Flask, by which a class answers errors of its own.

Flask is not ours: a class that has a blueprint has brought it. No request of Flask's is served, its
error handlers alone are asked. Source: Seldon Core v1.17.1, Python wrapper.
"""

from __future__ import annotations

import logging
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.load import LoadFailed, describe
from seldon_deployer.server.replies import Reply

logger = logging.getLogger(__name__)


class ErrorHandler:
    """Asks the error handlers of a class's blueprint, where it has one. Raises LoadFailed."""

    def __init__(self, target: Any) -> None:
        self._app: Any = None
        blueprint = getattr(target, "model_error_handler", None)
        if blueprint is None:
            return
        try:
            from flask import Flask

            self._app = Flask("seldon_deployer.unit")
            self._app.register_blueprint(blueprint)
        except Exception as error:
            raise LoadFailed(
                "model_error_handler cannot be used",
                why=describe(error),
                hint="it has to be a flask.Blueprint with app_errorhandler functions",
            ) from error

    def answer(self, path: str, error: Exception) -> Reply | None:
        """What the handler of such an error answers; None where there is none, or it fails too.

        Errors in the message itself are not the class's.
        """
        if self._app is None or isinstance(error, (UnitError, PayloadError)):
            return None
        with self._app.test_request_context(path, method="POST"):
            try:
                response = self._app.make_response(self._app.handle_user_exception(error))
            except Exception as failed:
                if failed is not error:
                    logger.exception("model_error_handler failed")
                return None
        logger.info("%s is answered by model_error_handler", describe(error))
        kind = response.headers.get("Content-Type", "text/plain").encode("latin-1")
        return Reply(response.status_code, [response.get_data()], [(b"content-type", kind)])
