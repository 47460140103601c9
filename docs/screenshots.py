"""Take the pictures of Prefect's and MLflow's pages that the docs show, from what `make ui` serves here.

It needs chromium, chromedriver and selenium, and two finished runs of translate, one of them started in Prefect:
`python docs/screenshots.py`.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browser import MISSING, Browser, browsing  # noqa: E402  (found by the line before)

from pipelines import tracking  # noqa: E402  (after the path, as above)
from pipelines.settings import get_settings  # noqa: E402  (likewise)

TASK = "translate"


def main() -> None:
    """All pictures, over those that are there."""
    if MISSING:
        sys.exit(MISSING)
    with browsing() as page:
        prefect(page)
        mlflow(page)


def prefect(page: Browser) -> None:
    """The form of a deployment, and a flow run with its stages."""
    url = get_settings().prefect_url
    deployment = _asked("deployments/name/translate/full")
    page.open(f"{url}/deployments/deployment/{deployment['id']}/run")
    page.says("Vocabulary Size")
    page.picture(DOCS / "prefect_form.png", 1200, 1300)

    of_task = {"flows": {"name": {"any_": [TASK]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    newest, *_ = _asked("flow_runs/filter", {**of_task, "sort": "END_TIME_DESC"})
    page.open(f"{url}/runs/flow-run/{newest['id']}")
    page.says("Completed", "Beginning flow run")
    page.picture(DOCS / "prefect_run.png", 1200, 900)


def mlflow(page: Browser) -> None:
    """A run with its description, and runs side by side."""
    newest = next(run for run in tracking.runs_of(TASK) if run.info.status == "FINISHED")
    page.open(tracking.page(newest.info.run_id))
    page.says("Description")
    page.click("//button[@aria-label='Close']")  # the assistant
    page.click("//button[contains(., 'Show more')]")
    page.picture(DOCS / "mlflow_run.png", 1100, 1500, "//button[@aria-label='Edit description']")

    page.open(get_settings().mlflow_page(f"experiments/{newest.info.experiment_id}/runs?compareRunsMode=CHART"))
    page.says("Model metrics")
    page.picture(DOCS / "mlflow.png", 1500, 1100, "//*[starts-with(text(), 'Model metrics')]")


def _asked(path: str, body: Any = None) -> Any:
    """What Prefect's API answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{get_settings().prefect_url}/api/{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
