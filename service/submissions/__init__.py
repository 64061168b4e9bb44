"""Submissions: the texts that fact-checkers send in, from intake to windows of claims."""

from service.submissions.intake import check_line, claims_from_lines, read_submission
from service.submissions.windows import windows

__all__ = ["check_line", "claims_from_lines", "read_submission", "windows"]
