"""Serve a model by a class of your own: `python -m examples.custom_class.run`."""

from __future__ import annotations

import argparse

from zenml import pipeline
from zenml.client import Client

from examples.custom_class.sorter import Sorter
from seldon_deployer.steps import CustomDeployParameters, seldon_custom_model_deployer_step
from steps.load_iris import load_iris
from steps.train_classifier import train_classifier

FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.8, 1.6]]


@pipeline(enable_cache=False)
def custom_class_pipeline(least: float = 0.5) -> None:
    """Load, train, and serve with the class of `sorter.py`."""
    train_features, _, train_species, _ = load_iris()
    classifier = train_classifier(train_features, train_species)
    seldon_custom_model_deployer_step(
        model=classifier,
        custom_deploy_parameters=CustomDeployParameters(
            python_class=Sorter, requirements=("scikit-learn",)
        ),
        model_name="sorted-flowers",
        # Of the class's constructor.
        parameters={"least": least},
    )


def main() -> None:
    """Run the pipeline once and ask the service that it made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=float, default=0.5, help="how sure it has to be")
    run = custom_class_pipeline(least=parser.parse_args().least)
    step = Client().get_pipeline_run(run.id).steps["seldon_custom_model_deployer_step"]
    service = step.output.load()
    print(f"service: {service.uuid}")
    print(f"prediction URL: {service.prediction_url}")
    print(f"service.predict({FLOWERS}):")
    print(service.predict(FLOWERS))


if __name__ == "__main__":
    main()
