"""Which epoch counts as the best."""

import pytest

from soundnet_tf.finetuning import callbacks


@pytest.mark.parametrize(
    ("losses", "best"), [("3 1 1 2", 1), ("nan 2 1", 2), ("2 nan 3", 0), ("nan nan", 0)]
)
def test_the_best_epoch_has_the_lowest_loss_that_is_a_number(losses, best):
    rows = [{"epoch": str(i), "val_loss": loss} for i, loss in enumerate(losses.split())]
    assert callbacks.best_row(rows)["epoch"] == str(best)
