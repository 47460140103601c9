"""Where everything lies, and the environment that Prefect and MLflow need for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rnn_tasks.errors import UserError

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from the environment: RNN_TASKS_HOME, RNN_TASKS_CACHE, RNN_TASKS_PREFECT_PORT, RNN_TASKS_MLFLOW_PORT."""

    model_config = SettingsConfigDict(env_prefix="RNN_TASKS_", frozen=True, env_ignore_empty=True)

    home: Path = Field(PROJECT, description="All stores lie below: mlruns/ and data/cache/.")
    cache: Path = Field(Path(), description="Downloads and prepared data; HOME/data/cache by default.")
    prefect_port: int = Field(4200, ge=1, le=65535, description="Where `make ui` serves Prefect.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Where `make ui` serves MLflow.")

    @model_validator(mode="before")
    @classmethod
    def _absolute(cls, values: dict) -> dict:
        home = Path(values.get("home", PROJECT)).absolute()
        return {**values, "home": home, "cache": Path(values.get("cache", home / "data" / "cache")).absolute()}

    @property
    def prepared(self) -> Path:
        """Where `prepare` writes: one directory for each digest."""
        return self.cache / "prepared"

    @property
    def unfinished(self) -> Path:
        """Work directories of runs that go on, or that were interrupted."""
        return self.home / "mlruns" / "unfinished"

    @property
    def artifacts(self) -> Path:
        return self.home / "mlruns" / "artifacts"

    @property
    def mlflow_database(self) -> Path:
        return self.home / "mlruns" / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.mlflow_database}"  # SQLAlchemy takes all up to a ? as it is, % and # too

    @property
    def prefect_home(self) -> Path:
        return self.home / "mlruns" / "prefect"

    @property
    def prefect_database(self) -> Path:
        """Where Prefect puts it below its home."""
        return self.prefect_home / "prefect.db"

    @property
    def prefect_log(self) -> Path:
        """What Prefect's servers say: the one of `make ui`, and the temporary ones of runs without it."""
        return self.home / "mlruns" / "logs" / "prefect.log"

    @property
    def mlflow_log(self) -> Path:
        return self.home / "mlruns" / "logs" / "mlflow.log"

    @property
    def prefect_url(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{self.mlflow_port}"

    def mlflow_page(self, route: str) -> str:
        """A page of the MLflow UI in its view of trained models; its other view, of language agents, is the default."""
        return f"{self.mlflow_url}/#/{route}{'&' if '?' in route else '?'}workflowType=machine_learning"

    def export_environment(self) -> Self:
        """Point Prefect, MLflow and downloads at these stores; what the user has set stays, except for addresses."""
        os.environ |= {
            "RNN_TASKS_HOME": str(self.home),
            "RNN_TASKS_CACHE": str(self.cache),
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "MLFLOW_REGISTRY_URI": self.tracking_uri,
            "MLFLOW_BACKEND_STORE_URI": self.tracking_uri,
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "PREFECT_HOME": str(self.prefect_home),
        }
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        return self


_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # also for the error of a flow run: Prefect would pickle it
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "pipelines,rnn_tasks",  # so that the Prefect UI shows their lines
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # a machine without a GPU is no error
}


def get_settings() -> Settings:
    """The settings as the environment has them now.

    Raises:
        UserError: a variable has an invalid value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise UserError(f"RNN_TASKS_{name}: {first['msg']} (found {first['input']!r})") from None
