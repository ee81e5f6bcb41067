import pytest

from xgen_core import InputError
from xgen_train.rows import check_division, row_width


def test_a_mesh_that_does_not_divide_the_batch_is_refused() -> None:
    mesh = {"data": 2, "fsdp": 4, "sequence": 2, "tensor": 1}
    check_division(mesh, 16, 64)
    with pytest.raises(InputError, match=r"rows 8 ways and time 2 ways.*12 rows of 64 tokens"):
        check_division(mesh, 12, 64)
    with pytest.raises(InputError, match="16 rows of 63 tokens"):
        check_division(mesh, 16, 63)


def test_rows_are_as_wide_as_needed_in_steps_of_64() -> None:
    assert [row_width(n, 200) for n in (1, 64, 65, 199)] == [64, 64, 128, 200]
