import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_data.permutation import mix, permute


def whole(size, key):
    index = np.arange(size, dtype=np.uint64)
    return permute(index, np.full(size, size, np.uint64), np.full(size, key, np.uint64))


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_every_place_is_taken_once(size, key):
    assert np.array_equal(np.sort(whole(size, key)), np.arange(size, dtype=np.uint64))


@pytest.mark.parametrize("size", [997, 4096])
def test_it_mixes(size):
    place = whole(size, 7).astype(float)
    uniform = size / 3  # mean distance of two random places
    assert abs(np.abs(place - np.arange(size)).mean() - uniform) < 0.1 * uniform
    assert abs(np.corrcoef(place[:-1], place[1:])[0, 1]) < 0.1
    assert np.mean(place == whole(size, 8)) < 0.01


def test_small_permutations_are_all_reached():
    found = {tuple(whole(4, key).tolist()) for key in range(2000)}
    assert len(found) == 24


def test_elements_do_not_depend_on_their_company():
    size = np.array([10, 2**40, 3, 2**52], np.uint64)
    index = np.array([3, 2**39, 2, 2**51], np.uint64)
    key = np.array([1, 2, 3, 4], np.uint64)
    together = permute(index, size, key)
    alone = [int(permute(index[i : i + 1], size[i : i + 1], key[i : i + 1])[0]) for i in range(4)]
    assert together.tolist() == alone
    assert (together < size).all()


def test_the_sequence_is_fixed():
    assert int(mix(np.array([0], np.uint64))[0]) == 0xE220A8397B1DCDAF  # SplitMix64's first output
    assert whole(8, 1).tolist() == [7, 1, 2, 3, 6, 0, 5, 4]
