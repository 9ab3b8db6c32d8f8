"""The application: command line, pipeline, supervision of processes, demo and doctor."""

__version__ = "0.1.0"
