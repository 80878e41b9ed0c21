from __future__ import annotations

import optim


def test_a_model_is_known_by_its_methods_alone(tiny):
    assert isinstance(tiny(), optim.Model)
    assert not isinstance(lambda x: x, optim.Model)
