"""Headless Chromium at the pages of Prefect and MLflow, for tests and for the pictures in the docs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "" if CHROMIUM and DRIVER else "needs chromium and chromedriver: apt-get install chromium chromium-driver"
WAIT_SECONDS = 120.0  # for a page on a busy machine
PICTURE_SECONDS = 10.0  # until its charts are drawn
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--force-device-scale-factor=1"),
)


class Browser:
    """A page in the browser; what is looked for is waited for."""

    def __init__(self, driver: Any):
        self.driver = driver

    def open(self, address: str) -> None:
        self.driver.get("about:blank")  # else an address that differs behind its # alone loads nothing
        self.driver.get(address)

    def until(self, reached: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
        """What `reached` gives as soon as it is true; the page's text when it does not come true."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := reached():
                    return found
            except Exception as error:  # the page is being drawn: what was found has gone
                if type(error).__name__ not in ("StaleElementReferenceException", "NoSuchElementException"):
                    raise
            assert time.monotonic() < deadline, f"no {what} at {self.driver.current_url}:\n{self.text()}"
            time.sleep(0.3)

    def find(self, path: str) -> Any:
        """The first visible element of an XPath."""
        return self.until(
            lambda: next((e for e in self.driver.find_elements("xpath", path) if e.is_displayed()), None), path
        )

    def click(self, path: str) -> None:
        """Click what is found, once it can be."""

        def clicked() -> bool:
            try:
                self.find(path).click()
            except Exception as error:
                if "intercepted" not in str(error):
                    raise
                return False
            return True

        self.until(clicked, path)

    def text(self) -> str:
        return self.driver.find_element("tag name", "body").text

    def says(self, *texts: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the page shows all of them."""
        for text in texts:
            self.until(lambda text=text: text in self.text(), repr(text), seconds)

    def fill(self, label: str, value: str) -> None:
        """Give another value to the last field of Prefect's form with this label."""
        path = f"//span[contains(@class, 'schema-form-property__label') and normalize-space()='{label} (Optional)']"
        self.find(path)
        label_element = self.driver.find_elements("xpath", path)[-1]
        field = label_element.find_element(
            "xpath", "ancestor::div[contains(concat(@class, ' '), 'p-label ')][1]//input"
        )
        field.send_keys("\ue009a")  # Ctrl-A
        field.send_keys("\ue000", value)

    def picture(self, path: Path, width: int, height: int, top: str = "") -> None:
        """Save the page as a window of this size shows it, with the element of an XPath at its top."""
        self.driver.set_window_size(width, height)
        if top:
            self.driver.execute_script("arguments[0].scrollIntoView()", self.find(top))
        time.sleep(PICTURE_SECONDS)
        self.driver.save_screenshot(str(path))


@contextmanager
def browsing(width: int = 1400, height: int = 1200) -> Iterator[Browser]:
    """A browser for the block."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for option in (*OPTIONS, f"--window-size={width},{height}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
