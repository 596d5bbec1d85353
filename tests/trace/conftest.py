"""The tests of the trace write thousands of files; waiting for the disk each time would take a minute."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield
