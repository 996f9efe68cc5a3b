"""Predictions for all rows of a file: in parallel, in order, and going on where a run ended."""

from __future__ import annotations

from seldon_deployer.batch.run import Batch, Progress, Report

__all__ = ["Batch", "Progress", "Report"]
