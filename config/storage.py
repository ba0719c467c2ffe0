"""Where recordings and exports lie: files, or a bucket of S3 or anything that speaks its protocol."""

from pathlib import Path
from typing import Any

import environ


def recordings_storage(env: environ.Env, state_dir: Path) -> dict[str, Any]:
    """The storage "recordings" for Django's STORAGES."""
    return _sealed_files(env, state_dir, "recordings", env.str("RECORDINGS_S3_PREFIX", default="recordings"))


def exports_storage(env: environ.Env, state_dir: Path) -> dict[str, Any]:
    """The storage "exports" for Django's STORAGES:

    beside the recordings, in the same bucket if there is one.
    """
    return _sealed_files(env, state_dir, "exports", env.str("EXPORTS_S3_PREFIX", default="exports"))


def _sealed_files(env: environ.Env, state_dir: Path, folder: str, prefix: str) -> dict[str, Any]:
    """A storage of files that we sealed.

    With RECORDINGS_S3_BUCKET a bucket, which needs requirements-s3.txt; credentials are found as AWS's own
    tools find them. Nothing is overwritten: a second attempt's recording is another file.
    """
    bucket = env.str("RECORDINGS_S3_BUCKET", default="")
    if not bucket:
        options = {
            "location": str(state_dir / folder),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        }
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": prefix,
            "region_name": env.str("RECORDINGS_S3_REGION", default="") or None,
            "endpoint_url": env.str("RECORDINGS_S3_ENDPOINT_URL", default="") or None,
            "file_overwrite": False,
            "default_acl": None,
        },
    }
