"""Servers of stores; each kind has its fixtures in a file of its own."""

from __future__ import annotations

from storage.servers import minio, moto, rclone, s3

__all__ = ["minio", "moto", "rclone", "s3"]
