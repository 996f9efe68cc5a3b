"""The image of a step that serves by code of the user's own, built by ZenML before it runs."""

from __future__ import annotations

# In a step's `extra`: it serves by code that needs an image on a cluster.
CUSTOM_DEPLOYMENT = "seldon_custom_deployment"
# Under it ZenML keeps the image that it built.
CUSTOM_IMAGE_KEY = "seldon_custom_server"
