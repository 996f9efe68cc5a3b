# ruff: noqa: N803 - arguments as users of Seldon name them
"""A class that answers its errors by Flask, as Seldon's guide has it."""

from flask import Blueprint, jsonify

handlers = Blueprint("handlers", __name__)


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"refused with {code}")
        self.code = code


@handlers.app_errorhandler(Refused)
def explain(error):
    if error.code == 0:
        raise RuntimeError("the handler has failed")
    response = jsonify({"code": error.code, "why": str(error)})
    response.status_code = error.code
    return response


class Explains:
    model_error_handler = handlers

    def predict(self, X, names):
        if X.isdigit():
            raise Refused(int(X))
        raise ValueError("of no kind that is handled")


class NoBlueprint:
    model_error_handler = "handlers"

    def predict(self, X, names):
        return X
