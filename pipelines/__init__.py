"""The orchestration: Prefect runs a task's stages, MLflow records them."""
