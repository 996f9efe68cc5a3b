"""Inference graphs as the user writes them."""
