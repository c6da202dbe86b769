import pytest
import tuned_network


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A network whose first units hear `tuned_network.HZ`."""
    return tuned_network.save(tmp_path_factory.mktemp("tuned"), tuned_network.HZ)
