"""The stores, for the pairs that predict."""

from __future__ import annotations

from pairs.fixtures import (
    azure_server,
    claim,
    google_server,
    internet,
    minio,
    place_of,
    way_out,
)

__all__ = [
    "azure_server",
    "claim",
    "google_server",
    "internet",
    "minio",
    "place_of",
    "way_out",
]
