from __future__ import annotations

import io
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from trained import iris_model

from seldon_deployer.artifacts.pickles import inspect_pickle, sklearn_version
from seldon_deployer.errors import ArtifactError


def with_joblib(value: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[Any], bytes]] = {
    "cloudpickle": cloudpickle.dumps,
    "joblib": with_joblib,
    **{
        f"pickle {protocol}": lambda value, protocol=protocol: pickle.dumps(value, protocol)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (iris_model, "sklearn.linear_model._logistic.LogisticRegression"),
        (
            lambda: make_pipeline(StandardScaler(), iris_model()),
            "sklearn.pipeline.Pipeline",
        ),
        (
            lambda: RandomForestClassifier(3).fit([[0], [1]], [0, 1]),
            "sklearn.ensemble._forest.RandomForestClassifier",
        ),
    ],
)
def test_the_class_and_the_version_are_told_without_loading(
    tmp_path: Path, writer: str, make: Callable[[], Any], name: str
) -> None:
    path = tmp_path / "model"
    path.write_bytes(WRITERS[writer](make()))

    held = inspect_pickle(path)

    assert (held.name, held.package, held.carries_code) == (name, "sklearn", False)
    assert sklearn_version(path) == sklearn.__version__


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: {"model": iris_model()},
        lambda: [iris_model()],
        lambda: None,
        lambda: 5,
        lambda: "sklearn.pipeline",
        lambda: LogisticRegression,
        lambda: {1, 2},
    ],
)
def test_plain_values_are_no_object_of_a_class(
    tmp_path: Path, writer: str, make: Callable[[], Any]
) -> None:
    path = tmp_path / "value"
    path.write_bytes(WRITERS[writer](make()))

    assert inspect_pickle(path).name == ""


def test_a_tuple_with_a_model_in_it_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(pickle.dumps((iris_model(), 1)))

    assert inspect_pickle(path).name == ""


def test_another_librarys_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(pickle.dumps(np.arange(3)))

    assert inspect_pickle(path).package == "numpy"
    assert sklearn_version(path) is None


def test_a_class_defined_in_the_script_is_told_by_what_it_derives_from(tmp_path: Path) -> None:
    class Tuned(LogisticRegression):
        pass

    path = tmp_path / "model"
    path.write_bytes(cloudpickle.dumps(Tuned().fit([[0], [1]], [0, 1])))

    held = inspect_pickle(path)

    assert held.package == "sklearn"
    assert held.carries_code


def test_a_function_inside_a_pipeline_is_code(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(cloudpickle.dumps(make_pipeline(FunctionTransformer(lambda x: x))))

    assert inspect_pickle(path).carries_code


def test_a_compressed_file_tells_what_it_would_tell_unpacked(tmp_path: Path) -> None:
    path, packed = tmp_path / "model.joblib", tmp_path / "model.joblib.gz"
    joblib.dump(iris_model(), path)
    joblib.dump(iris_model(), packed, compress=3)

    assert inspect_pickle(packed) == inspect_pickle(path)
    assert sklearn_version(packed) == sklearn.__version__


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(zlib.compress(pickle.dumps(iris_model())[:-1] + bytes(1 << 28)))

    tracemalloc.start()
    inspect_pickle(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 1 << 27


class Trap:
    """Says so when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the pickle was loaded",))


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(Trap()))

    inspect_pickle(path)
    sklearn_version(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x05", b'{"a": 1}', bytes(range(256)), cloudpickle.dumps([1] * 99)[:-3]],
)
def test_what_is_no_pickle_is_an_error_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "artifact.pkl"
    path.write_bytes(content)

    with pytest.raises(ArtifactError, match=r"artifact\.pkl is no complete pickle: .+ Try: "):
        inspect_pickle(path)


def test_a_missing_file_is_an_error_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file"):
        inspect_pickle(tmp_path / "model.pkl")


@pytest.fixture(scope="module")
def any_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "model"


@given(content=st.binary(max_size=60), cut=st.integers(0, 700))
def test_any_bytes_are_told_or_refused(any_file: Path, content: bytes, cut: int) -> None:
    path = any_file
    path.write_bytes(cloudpickle.dumps(iris_model())[:cut] + content)
    with suppress(ArtifactError):
        inspect_pickle(path)
    with suppress(ArtifactError):
        sklearn_version(path)
