"""Load the iris measurements that scikit-learn brings along."""

from typing import Annotated

import numpy as np
from sklearn.datasets import load_iris as read_iris
from sklearn.model_selection import train_test_split
from zenml import step


# Pictures of the arrays would need matplotlib.
@step(enable_artifact_visualization=False)
def load_iris(
    test_share: float = 0.3, seed: int = 7
) -> tuple[
    Annotated[np.ndarray, "train_features"],
    Annotated[np.ndarray, "test_features"],
    Annotated[np.ndarray, "train_species"],
    Annotated[np.ndarray, "test_species"],
]:
    """Split the 150 flowers: features (rows, 4) in cm, species as 0, 1, 2."""
    features, species = read_iris(return_X_y=True)
    train_features, test_features, train_species, test_species = train_test_split(
        features, species, test_size=test_share, random_state=seed, stratify=species
    )
    return train_features, test_features, train_species, test_species
