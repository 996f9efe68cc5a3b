"""Judge a classifier on flowers it has not seen."""

from typing import Annotated

import numpy as np
from sklearn.base import ClassifierMixin
from zenml import log_metadata, step


@step
def evaluate_classifier(
    classifier: ClassifierMixin,
    test_features: np.ndarray,
    test_species: np.ndarray,
    least_accuracy: float = 0.85,
) -> Annotated[bool, "good_enough"]:
    """Tell whether the share of right answers is at least `least_accuracy`."""
    accuracy = float(classifier.score(test_features, test_species))
    log_metadata({"accuracy": accuracy})
    print(f"accuracy on {len(test_species)} unseen flowers: {accuracy:.3f}")
    return accuracy >= least_accuracy
