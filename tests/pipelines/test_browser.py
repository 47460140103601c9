"""A run from the form in Prefect to the comparison in MLflow, in headless Chromium on the real servers."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time

import browser as chromium
import pytest

from pipelines.settings import get_settings

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(chromium.MISSING), reason=chromium.MISSING),
]
RUN_SECONDS = 1500.0  # for a tiny run on a machine that does other things, too
TAB = "//*[contains(@class, 'p-tab') and normalize-space()='{}']"
STAGES = ("prepare", "train", "evaluate", "export", "register")


@pytest.fixture
def pages(home, tmp_path):
    """`rnn-tasks ui` and `serve` on ports of their own, and a browser; the settings tell the addresses."""
    pytest.importorskip("selenium", reason="needs selenium: pip install -e .[browser]")
    with contextlib.ExitStack() as stack:
        for name in ("RNN_TASKS_PREFECT_PORT", "RNN_TASKS_MLFLOW_PORT"):
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                os.environ[name] = str(one.getsockname()[1])
        del os.environ["PREFECT_API_URL"]  # of the server that the other tests share
        for command, ready in (("ui", "Ctrl-C stops both."), ("serve", "polling for scheduled runs")):
            stack.enter_context(_running(command, ready, tmp_path / f"{command}.txt"))
        yield stack.enter_context(chromium.browsing())


@contextlib.contextmanager
def _running(command, ready, output):
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", command], stdout=file, stderr=subprocess.STDOUT
        )
    try:
        while ready not in output.read_text():
            assert process.poll() is None, output.read_text()
            time.sleep(0.3)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_from_the_form_to_the_comparison(pages):
    settings = get_settings()
    for epochs in (1, 2):
        start(pages, settings, epochs)
        pages.says("\nCompleted\n", seconds=RUN_SECONDS)

    pages.click(TAB.format("Task Runs"))
    pages.says("5 Task runs", *STAGES)
    pages.click(TAB.format("Artifacts"))
    pages.click("//a[contains(., 'translate-result')]")
    pages.says("test_bleu", "baseline", "source", "hypothesis", "trial runs do not compete")
    pages.driver.back()
    pages.click(TAB.format("Artifacts"))
    pages.click("//a[contains(., 'translate-mlflow-run')]")
    address = pages.find("//a[normalize-space()='MLflow run']").get_attribute("href")
    assert address.startswith(settings.mlflow_url)

    pages.open(address)
    pages.says("tiny · embedded · epochs=2", "Finished", "Description", "test_bleu", "training.epochs")
    pages.click("//button[contains(., 'Show more')]")
    figure = pages.find("//img[contains(@src, 'get-artifact')]")
    assert pages.until(lambda: int(figure.get_property("naturalWidth")), "figure") > 100

    told = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "compare", "translate"], capture_output=True, text=True, check=True
    )
    pages.open(told.stdout.split()[-1])
    pages.says("Comparing 2 Runs from 1 Experiment", "tiny · embedded · epochs=1", "tiny · embedded · epochs=2")
    pages.says("training.epochs", "test_bleu", "baseline/test_bleu")
    row = pages.until(lambda: re.search(r"training\.epochs ([12]) ([12])\n", pages.text()), "row of training.epochs")
    assert set(row.groups()) == {"1", "2"}
    experiment = re.search(r"experiments/(\d+)/", address)[1]
    pages.driver.set_window_size(1400, 6000)  # charts that are not seen are not drawn
    pages.open(settings.mlflow_page(f"experiments/{experiment}/runs?compareRunsMode=CHART"))
    pages.says("train_loss", "val_bleu", "test_bleu")


def start(pages, settings, epochs):
    """Start translate/tiny from its form with this number of epochs, and open the page of its flow run."""
    pages.open(f"{settings.prefect_url}/deployments")
    pages.find("//input[starts-with(@placeholder, 'Search deployments')]").send_keys("translate")
    pages.until(lambda: "reber" not in pages.text() and "tiny" in pages.text(), "translate's deployments alone")
    pages.click("//a[contains(@href, '/deployments/deployment/') and starts-with(normalize-space(), 'tiny')]")
    pages.click("//button[contains(normalize-space(), 'Run')]")
    pages.click("(//*[contains(., 'Custom run')])[last()]")
    pages.says("Passes over the training split at most. (at least 1, at most 100000)")
    pages.fill("Epochs", str(epochs))
    pages.click("//button[normalize-space()='Submit']")
    # The run of one epoch is the first, that of two the second.
    newest, *_ = pages.until(lambda: len(found := flow_runs(pages)) == epochs and found, "flow run")
    pages.open(newest)


def flow_runs(pages):
    """Addresses of the flow runs that the page of a deployment lists, the newest first."""
    links = pages.driver.find_elements("xpath", "//a[contains(@href, '/runs/flow-run/')]")
    return list(dict.fromkeys(link.get_attribute("href").partition("?")[0] for link in links))
