"""Where artifacts lie: S3, Google Cloud Storage, Azure Blob, volumes, this machine."""
