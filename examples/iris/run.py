"""Train on iris in a ZenML pipeline and serve the model: `python -m examples.iris.run`.

A second run with another `--model` updates the service in place: same URL, new answers.
"""

from __future__ import annotations

import argparse

import numpy as np
from zenml import pipeline
from zenml.client import Client

from seldon_deployer.steps import seldon_model_deployer_step
from seldon_deployer.zenml_plugin import SeldonDeploymentService
from steps.evaluate_classifier import evaluate_classifier
from steps.load_iris import load_iris
from steps.train_classifier import CLASSIFIERS, train_classifier

# One flower between two species, so that two models differ on how sure they are.
FLOWERS = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.8, 1.6]])


@pipeline(enable_cache=False)
def iris_pipeline(kind: str = "logistic") -> None:
    """Load, train, evaluate, and serve what is good enough."""
    train_features, test_features, train_species, test_species = load_iris()
    classifier = train_classifier(train_features, train_species, kind=kind)
    good_enough = evaluate_classifier(classifier, test_features, test_species)
    seldon_model_deployer_step(
        model=classifier, model_name="iris", deploy_decision=good_enough, timeout=120
    )


def main() -> None:
    """Run the pipeline once and ask the service that it made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(CLASSIFIERS), default="logistic")
    kind = parser.parse_args().model
    run = iris_pipeline(kind=kind)
    service = Client().get_pipeline_run(run.id).steps["seldon_model_deployer_step"].output.load()
    if not isinstance(service, SeldonDeploymentService):
        raise SystemExit("the model was not good enough, and nothing is served yet")
    print(f"service: {service.uuid}")
    print(f"prediction URL: {service.prediction_url}")
    print(f"service.predict({FLOWERS.tolist()}):")
    print(np.asarray(service.predict(FLOWERS)).round(3))


if __name__ == "__main__":
    main()
