"""One error type a cause. Every message names the input at fault and says what to do."""

from __future__ import annotations

from service.types import Usage

_NOTHING = Usage()

SOME_FAILED = 10
"""Exit code when some of what was asked for failed; the rest is complete."""


class VerinoteError(Exception):
    """Base of all errors a person can act on.

    Attributes:
        exit_code: what the ``verinote`` command exits with (documented in README).
    """

    exit_code = 1


class InputError(VerinoteError):
    """The input is unusable: missing, empty, binary, broken or of an unknown format."""

    exit_code = 2


class InputTooLarge(InputError):
    """The input is larger than the limit."""

    exit_code = 4


class NotPossible(InputError):
    """The state of what is named does not allow what is asked."""


class NotEnglish(VerinoteError):
    """The text is not in English, the only language the embedded models know."""

    exit_code = 3


class FetchRefused(InputError):
    """An address was refused (scheme, private range, size, time) or did not answer.

    Attributes:
        status: the HTTP status that was answered instead of 200, where there was an answer.
    """

    exit_code = 5

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotPublic(FetchRefused):
    """The address leads to what is not public."""


class NoAnswer(FetchRefused):
    """The address cannot be reached, or did not answer in full and in time."""


class RobotsRefused(FetchRefused):
    """The host's robots.txt does not let the address be fetched."""


class IndexMismatch(VerinoteError):
    """The vectors were made by another embedding model than the one configured."""

    exit_code = 6


class BrokenVectors(VerinoteError):
    """The files of the vectors are damaged. What mends them also mends ``IndexMismatch``."""

    exit_code = IndexMismatch.exit_code


class ModelFileError(VerinoteError):
    """A packaged model file is missing or is not the file that its card describes."""

    exit_code = 7


class NotFound(VerinoteError):
    """No such thing under the id given."""

    exit_code = 8


class ConfigurationError(VerinoteError):
    """A setting is missing or has a value that cannot be used."""

    exit_code = 9


class OutOfReach(ConfigurationError):
    """The database or the vectors' server cannot be reached now; it may be back soon."""


class VectorsUnreachable(OutOfReach):
    """The Chroma server that the settings name does not answer. Nothing is lost: it may be back."""


class EngineFailed(VerinoteError):
    """A language model's endpoint gave no usable answer.

    Attributes:
        usage: what was spent all the same.
    """

    exit_code = 11

    def __init__(self, message: str, usage: Usage = _NOTHING) -> None:
        super().__init__(message)
        self.usage = usage


class LimitReached(VerinoteError):
    """A run has stopped before its end, most often at what it may use, and can go on."""

    exit_code = 12


class BudgetSpent(EngineFailed):
    """The tokens that a submission may use are used."""
