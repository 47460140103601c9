"""What people set on a deployment in the Prefect UI, and what the server has of it."""

ITS_OWN = {"last_polled", "status"}  # what a deployment tells of who serves it

EVERY_90_S = {"schedule": {"interval": 90}, "active": True, "parameters": {"config": {"model": {"quality": 0.75}}}}
NIGHTLY = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Paris"}, "active": False, "slug": "nightly"}


def set_by_people(prefect, deployment_id, schedules):
    """What the UI's pages of a deployment can change."""
    prefect.request("POST", "/deployments/{id}/schedules", path_params={"id": deployment_id}, json=schedules)
    changes = {
        "description": "ours",
        "tags": ["nightly"],
        "parameters": {"config": {"model": {"quality": 0.25}}},
        "paused": True,
        "concurrency_limit": 2,
        "enforce_parameter_schema": True,
    }
    prefect.request("PATCH", "/deployments/{id}", path_params={"id": deployment_id}, json=changes)


def stored(prefect, deployment_id):
    found = prefect.request("GET", "/deployments/{id}", path_params={"id": deployment_id}).json()
    if limit := found["global_concurrency_limit"]:
        found["global_concurrency_limit"] = limit["limit"]  # beside it stands who has slots now
    return {key: value for key, value in found.items() if key not in ITS_OWN}
