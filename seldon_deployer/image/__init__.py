"""The image that serves the user's code, or a model of ours, as a folder that any builder takes."""
