"""A bound on the bytes of a recording, which is thinned again and again and so never fills the disk."""

from __future__ import annotations

__all__ = ["Budget"]


class Budget:
    """Which steps are still recorded so that the rows stay below a number of bytes.

    The first half of the bytes is for every step, the next quarter for every second one, the next
    eighth for every fourth, and so on.

    Parameters
    ----------
    most
        The bytes of all rows together.

    Examples
    --------
    >>> budget, kept = Budget(800), []
    >>> for step in range(40):
    ...     if budget.wants(step, 100 * len(kept)):
    ...         kept.append(step)
    >>> kept
    [0, 1, 2, 3, 4, 6, 8, 16]
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.pace = 1
        self.news: str | None = None  # what changed and was not told yet
        self._asked = 0
        self._written = self._row = 0

    def wants(self, step: int, written: int) -> bool:
        """Say whether a step is recorded, given the bytes written before it; none is when they are used up."""
        if written > self._written:
            self._written, self._row = written, max(self._row, written - self._written)  # rows may take turns
        if self.pace and written + self._row > self.most:
            self.pace = 0
            self._say(step, "nothing more is recorded")
        while self.pace and written >= self.most - self.most // (2 * self.pace):
            self.pace *= 2
            self._say(step, f"only one of {self.pace} steps that Keep chooses is recorded")
        wanted = self.pace > 0 and self._asked % self.pace == 0
        self._asked += 1
        return wanted

    def _say(self, step: int, what: str) -> None:
        self.news = f"From step {step} on {what}, to stay below max_bytes={self.most:,}."
