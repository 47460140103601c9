"""What several tests of the layers ask for."""

import pytest

from rnn_tasks.layers import cell_run


@pytest.fixture(scope="module")
def loop_wherever_it_can():
    """The loop of TensorFlow's operations also where Keras' own is faster: tests of its numbers are of small shapes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_run, "loop_pays", lambda *_: True)
        yield
