from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from trained import iris_model, write_zenml_artifact

from seldon_deployer.artifacts.layout import fingerprint, list_files, prepare
from seldon_deployer.errors import ArtifactError

FLOWERS = load_iris().data


def snapshot(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in list_files(folder)}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_zenml_wrote_is_laid_out_for_seldons_server(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "model" / "7", iris_model())

    prepared = prepare(artifact)

    assert prepared.implementation == "SKLEARN_SERVER"
    assert prepared.trained_with == {"scikit-learn": sklearn.__version__, "numpy": "2"}
    assert prepared.path.parent == tmp_path / "model" / "7.seldon-deployer"
    assert prepared.path.name == prepared.fingerprint[:16]
    assert list_files(prepared.path) == ["model.joblib"]
    served = joblib.load(prepared.path / "model.joblib")
    assert np.array_equal(served.predict_proba(FLOWERS), iris_model().predict_proba(FLOWERS))


def test_the_original_stays_and_nothing_else_is_left(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", iris_model())
    before = snapshot(artifact)

    prepared = prepare(artifact)

    assert snapshot(artifact) == before
    assert names_in(tmp_path) == ["7", "7.seldon-deployer"]
    assert names_in(prepared.path.parent) == [prepared.path.name]


def test_a_second_time_converts_nothing(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", iris_model())
    first = prepare(artifact)
    written = (first.path / "model.joblib").stat()

    assert prepare(artifact) == first
    again = (first.path / "model.joblib").stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_new_bytes_under_the_old_address_are_a_new_copy(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", iris_model())
    first = prepare(artifact)
    (artifact / "artifact.pkl").write_bytes(pickle.dumps(iris_model(), protocol=2))

    second = prepare(artifact)

    assert second.path != first.path
    assert second.fingerprint != first.fingerprint
    assert (first.path / "model.joblib").exists()


def test_many_at_once_make_one_whole_copy(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", iris_model())

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: prepare(artifact), range(24)))

    assert len(set(map(str, (result.path for result in results)))) == 1
    assert names_in(results[0].path.parent) == [results[0].path.name]
    content = (results[0].path / "model.joblib").read_bytes()
    assert content == (artifact / "artifact.pkl").read_bytes()


def test_a_model_that_fits_is_served_where_it_is(tmp_path: Path) -> None:
    joblib.dump(iris_model(), tmp_path / "model.joblib")

    prepared = prepare(tmp_path)

    assert prepared.path == tmp_path
    assert prepared.implementation == "SKLEARN_SERVER"
    assert prepared.trained_with == {"scikit-learn": sklearn.__version__}
    assert names_in(tmp_path) == ["model.joblib"]


def test_one_file_under_the_servers_own_name_stays_where_it_is(tmp_path: Path) -> None:
    joblib.dump(iris_model(), tmp_path / "model.joblib")

    prepared = prepare(tmp_path / "model.joblib")

    assert prepared.path == tmp_path / "model.joblib"
    assert names_in(tmp_path) == ["model.joblib"]


@pytest.mark.parametrize("name", ["clf.joblib", "model.pkl"])
def test_one_file_is_enough(tmp_path: Path, name: str) -> None:
    joblib.dump(iris_model(), tmp_path / name)

    prepared = prepare(tmp_path / name)

    assert list_files(prepared.path) == ["model.joblib"]
    assert prepared.path.parent == tmp_path / f"{name}.seldon-deployer"
    served = joblib.load(prepared.path / "model.joblib")
    assert np.array_equal(served.predict(FLOWERS), iris_model().predict(FLOWERS))


def test_text_that_begins_like_zlib_is_no_compressed_model(tmp_path: Path) -> None:
    (tmp_path / "clf.joblib").write_text("x marks no model")

    with pytest.raises(ArtifactError, match="no complete pickle"):
        prepare(tmp_path / "clf.joblib")


@pytest.mark.parametrize(
    ("method", "level"),
    [*(("zlib", level) for level in range(1, 10)), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)],
)
@pytest.mark.parametrize("name", ["model.pkl.gz", "iris"])
def test_a_compressed_model_is_found_under_any_name_with_its_versions(
    tmp_path: Path, name: str, method: str, level: int
) -> None:
    joblib.dump(iris_model(), tmp_path / name, compress=(method, level))

    prepared = prepare(tmp_path)

    assert prepared.implementation == "SKLEARN_SERVER"
    assert prepared.trained_with["scikit-learn"] == sklearn.__version__
    assert list_files(prepared.path) == ["model.joblib"]
    assert joblib.load(prepared.path / "model.joblib").classes_.tolist() == [0, 1, 2]


def test_data_is_known_for_data_when_it_is_compressed(tmp_path: Path) -> None:
    joblib.dump(np.arange(3), tmp_path / "rows.joblib", compress=3)

    with pytest.raises(ArtifactError, match="is a numpy array, no model"):
        prepare(tmp_path)


def test_what_cannot_be_unpacked_here_needs_a_word_from_the_user(tmp_path: Path) -> None:
    # The mark of lz4, which is not installed where nothing needs it.
    (tmp_path / "clf.joblib").write_bytes(b"\x04\x22\x4d\x18" + bytes(60))

    with pytest.raises(ArtifactError, match=r"compressed data|no complete pickle"):
        prepare(tmp_path)


@given(cut=st.integers(0, 2000), method=st.sampled_from(["zlib", "gzip", "bz2", "xz", "lzma"]))
def test_a_compressed_model_that_is_cut_is_refused_with_its_reason(
    cut: int, method: str, compressed: Path
) -> None:
    joblib.dump(iris_model(), compressed, compress=(method, 3))
    content = compressed.read_bytes()
    compressed.write_bytes(content[: min(cut, len(content) - 1)])

    with pytest.raises(ArtifactError) as caught:
        prepare(compressed)

    assert caught.value.why
    assert caught.value.hint


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compressed") / "clf.joblib"


def test_an_object_of_another_library_is_refused_by_name(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", np.arange(3))

    with pytest.raises(ArtifactError, match=r"is a numpy array, no model: found artifact.pkl"):
        prepare(artifact)

    assert names_in(tmp_path) == ["7"]


@pytest.mark.parametrize("name", ["model.joblib", "clf.pkl"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.arange(3), "is a numpy array, no model"),
        ({"model": iris_model()}, "holds no model: it holds a plain value"),
        ([1, 2], "holds no model: it holds a plain value"),
    ],
)
def test_what_does_not_predict_is_refused_under_any_name(
    tmp_path: Path, name: str, value: object, message: str
) -> None:
    joblib.dump(value, tmp_path / name)

    with pytest.raises(ArtifactError, match=message):
        prepare(tmp_path)


def test_the_users_word_that_it_predicts_is_taken(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", np.arange(3))

    assert prepare(artifact, implementation="SKLEARN_SERVER").implementation == "SKLEARN_SERVER"


@pytest.mark.parametrize("name", ["artifact.pkl", "model.joblib"])
def test_a_broken_file_leaves_nothing_half_made(tmp_path: Path, name: str) -> None:
    artifact = tmp_path / "7"
    artifact.mkdir()
    (artifact / name).write_bytes(b"not a pickle")

    with pytest.raises(ArtifactError, match="no complete pickle"):
        prepare(artifact)

    assert names_in(tmp_path) == ["7"]


def test_a_place_that_is_taken_is_an_error(tmp_path: Path) -> None:
    artifact = write_zenml_artifact(tmp_path / "7", iris_model())
    (tmp_path / "7.seldon-deployer").write_text("a file of somebody's")

    with pytest.raises(ArtifactError, match="cannot be written beside"):
        prepare(artifact)

    assert (tmp_path / "7.seldon-deployer").read_text() == "a file of somebody's"


def test_a_missing_artifact_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the path does not exist"):
        prepare(tmp_path / "nothing")


def test_one_file_that_another_server_does_not_read_is_an_error(tmp_path: Path) -> None:
    joblib.dump(iris_model(), tmp_path / "model.joblib")

    with pytest.raises(ArtifactError, match="none that XGBOOST_SERVER reads"):
        prepare(tmp_path / "model.joblib", implementation="XGBOOST_SERVER")


def test_a_fingerprint_is_of_names_and_bytes_not_of_times(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "a").write_bytes(b"1")
    os.utime(two / "sub" / "a", (0, 0))

    assert fingerprint(one) == fingerprint(two)
    (two / "sub" / "a").rename(two / "sub" / "b")
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one / "sub" / "a") == fingerprint(two / "sub" / "b")
