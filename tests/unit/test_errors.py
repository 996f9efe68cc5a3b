from __future__ import annotations

import inspect

import pytest

from seldon_deployer import errors

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


def test_an_error_says_what_why_and_what_to_try() -> None:
    error = errors.ArtifactError("no model", why="the folder is empty", hint="check model_uri")

    assert str(error) == "no model: the folder is empty. Try: check model_uri"
    assert (error.what, error.why, error.hint) == (
        "no model",
        "the folder is empty",
        "check model_uri",
    )


def test_what_alone_is_enough() -> None:
    assert str(errors.SeldonDeployerError("no model")) == "no model"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ArtifactError, 1),
        (errors.DeploymentFailed, 1),
        (errors.ClusterUnreachable, 1),
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.InvalidName, 2),
        (errors.DeploymentTimeout, 3),
    ],
)
def test_exit_codes_tell_failure_from_misuse_and_from_time(
    kind: type[errors.SeldonDeployerError], code: int
) -> None:
    assert kind.exit_code == code


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_tree_and_in_its_drawing(kind: type[Exception]) -> None:
    if kind.__module__ != errors.__name__:
        return
    assert issubclass(kind, errors.SeldonDeployerError)
    assert kind.__name__ in (errors.__doc__ or "")


def test_a_status_is_carried_where_there_was_an_answer() -> None:
    assert errors.PredictionError("no", status=503).status == 503
    assert errors.Conflict("no", status=409).status == 409
    assert errors.ClusterUnreachable("no").status is None
