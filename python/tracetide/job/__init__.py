"""Jobs: everything that determines a trace, their parts, and going through them in their own time."""

from tracetide.job.job import Job

__all__ = ["Job"]
