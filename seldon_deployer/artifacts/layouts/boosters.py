"""XGBoost, LightGBM and CatBoost: from pickles and texts to the files that their servers read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seldon_deployer.artifacts.layouts.source import Source, import_framework, load_pickle, quiet
from seldon_deployer.errors import ArtifactError


def convert_xgboost(source: Source, draft: Path, target: str) -> None:
    """Save the Booster of a pickled model.

    As JSON, but where the target is UBJSON by name: the servers before 1.6 know no other text.
    """
    xgboost = import_framework("xgboost", file=source.file)
    model = load_pickle(source)
    booster = model if isinstance(model, xgboost.Booster) else _call(model, "get_booster", source)
    # The library goes by the name's ending, and knows the servers' `.bst` no more.
    written = draft / ("model.ubj" if target.endswith(".ubj") else "model.json")
    with quiet():
        booster.save_model(written)
    written.rename(draft / target)


def convert_lightgbm(source: Source, draft: Path, target: str) -> None:
    """Save the Booster of a pickled model as text."""
    lightgbm = import_framework("lightgbm", file=source.file)
    model = load_pickle(source)
    booster = model if isinstance(model, lightgbm.Booster) else getattr(model, "booster_", None)
    if booster is None:
        raise _no_booster(source, model)
    booster.save_model(draft / target)


def convert_catboost(source: Source, draft: Path, target: str) -> None:
    """Save a pickled model, or one of JSON, in CatBoost's own format."""
    catboost = import_framework("catboost", file=source.file)
    if source.format == "json":
        model = catboost.CatBoost()
        try:
            model.load_model(str(source.path), format="json")
        except Exception as error:
            raise ArtifactError(
                f"{source.file} cannot be read as a CatBoost model",
                why=str(error),
                hint="save it again: model.save_model('model.cbm')",
            ) from error
    else:
        model = load_pickle(source)
    if not isinstance(model, catboost.CatBoost):
        raise _no_booster(source, model)
    model.save_model(str(draft / target))


def _call(model: Any, method: str, source: Source) -> Any:
    found = getattr(model, method, None)
    if found is None:
        raise _no_booster(source, model)
    return found()


def _no_booster(source: Source, model: Any) -> ArtifactError:
    return ArtifactError(
        f"{source.file} holds no model that this server reads",
        why=f"it is a {type(model).__module__}.{type(model).__qualname__}",
        hint="leave out implementation, to have it served as it is",
    )
