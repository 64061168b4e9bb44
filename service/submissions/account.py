"""A submission's account: what its requests to a language model may use, and what they used."""

from __future__ import annotations

import asyncio

from service.kit.errors import BudgetSpent
from service.types import Usage

_NOTHING = Usage()


class SubmissionAccount:
    """Books what is used for one submission, and holds it to a budget.

    Tokens are set aside before a request and settled after it, so that requests that run side by
    side cannot overdraw the budget together.

    Args:
        submission: digest of the submission.
        budget: tokens it may use; 0: no limit.
        used: what was used before.
    """

    def __init__(self, submission: str, budget: int = 0, used: Usage = _NOTHING) -> None:
        self._submission = submission
        self._budget = budget
        self._reserved = 0
        self._used = used
        self._settled = asyncio.Condition()

    @property
    def submission(self) -> str:
        """Digest of the submission."""
        return self._submission

    @property
    def used(self) -> Usage:
        """What was used so far."""
        return self._used

    async def reserve(self, tokens: int) -> None:
        """Set tokens aside, waiting for other requests to be settled where that may help.

        Raises:
            BudgetSpent: there are not so many left.
        """
        if not self._budget:
            return
        async with self._settled:
            while self._used.tokens + self._reserved + tokens > self._budget:
                if not self._reserved:
                    raise BudgetSpent(
                        f"the submission's budget is spent: {self._used.tokens:,} of "
                        f"{self._budget:,} tokens are used and the next request may take "
                        f"{tokens:,}; raise VERINOTE_LLM_TOKEN_BUDGET and verify it again"
                    )
                await self._settled.wait()
            self._reserved += tokens

    async def settle(self, reserved: int, used: Usage) -> None:
        """Give back what was set aside and book what was used."""
        async with self._settled:
            self._used += used
            if self._budget:
                self._reserved -= reserved
            self._settled.notify_all()
