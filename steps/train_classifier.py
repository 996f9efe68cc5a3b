"""Train a classifier of iris species."""

from typing import Annotated

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from zenml import ArtifactConfig, step
from zenml.enums import ArtifactType

CLASSIFIERS = {
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "forest": lambda: RandomForestClassifier(n_estimators=20, random_state=7),
}


@step
def train_classifier(
    train_features: np.ndarray, train_species: np.ndarray, kind: str = "logistic"
) -> Annotated[
    ClassifierMixin, ArtifactConfig(name="classifier", artifact_type=ArtifactType.MODEL)
]:
    """Fit a classifier of the given kind: logistic or forest."""
    return CLASSIFIERS[kind]().fit(train_features, train_species)
