from .config import ParallelDataConfig as ParallelDataConfig
