"""Serve a model by a predict function of your own: `python -m examples.custom_function.run`."""

from __future__ import annotations

from zenml import pipeline
from zenml.client import Client

from examples.custom_function.flowers import in_centimetres, name_the_species
from seldon_deployer.steps import CustomDeployParameters, seldon_custom_model_deployer_step
from steps.load_iris import load_iris
from steps.train_classifier import train_classifier

# In millimetres.
FLOWERS = [[51, 35, 14, 2], [60, 29, 48, 16]]


@pipeline(enable_cache=False)
def custom_function_pipeline() -> None:
    """Load, train, and serve with the functions of `flowers.py`."""
    train_features, _, train_species, _ = load_iris()
    classifier = train_classifier(train_features, train_species)
    seldon_custom_model_deployer_step(
        model=classifier,
        custom_deploy_parameters=CustomDeployParameters(
            predict_function=name_the_species,
            pre_process=in_centimetres,
            # What an image for a cluster needs beside our server.
            requirements=("scikit-learn",),
        ),
        model_name="named-flowers",
    )


def main() -> None:
    """Run the pipeline once and ask the service that it made."""
    run = custom_function_pipeline()
    step = Client().get_pipeline_run(run.id).steps["seldon_custom_model_deployer_step"]
    service = step.output.load()
    print(f"service: {service.uuid}")
    print(f"prediction URL: {service.prediction_url}")
    print(f"service.predict({FLOWERS}):")
    print(service.predict(FLOWERS))


if __name__ == "__main__":
    main()
