from __future__ import annotations

import pytest
import torch

from thinline.network.row_column_mixing import Strips


def test_against_a_loop_over_pixels() -> None:
    torch.manual_seed(0)
    strips, x = Strips(3).double(), torch.randn(2, 3, 4, 5, dtype=torch.float64)
    nothing = torch.zeros(2, 3, dtype=torch.float64)
    rows = [nothing, *(x[:, :, row].mean(-1) for row in range(4)), nothing]
    columns = [nothing, *(x[:, :, :, column].mean(-1) for column in range(5)), nothing]
    result = strips(x)
    for row in range(4):
        for column in range(5):
            of_row = torch.cat(rows[row : row + 3], dim=1) @ strips.row.weight.T
            of_column = torch.cat(columns[column : column + 3], dim=1) @ strips.column.weight.T
            torch.testing.assert_close(result[:, :, row, column], x[:, :, row, column] + of_row + of_column)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 2)])
def test_a_pixel_depends_on_three_rows_and_three_columns_at_any_size(size: tuple[int, int]) -> None:
    """Its row and its column and one to either side of each, whole, and nothing else."""
    torch.manual_seed(0)
    x = torch.randn(1, 4, *size, requires_grad=True)
    Strips(4)(x)[0, :, 0, 0].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0) > 0
    expected = torch.zeros(size, dtype=torch.bool)
    expected[:2], expected[:, :2] = True, True
    assert torch.equal(seen, expected)


def test_bf16_stays_bf16_and_memory_stays_as_it_lies() -> None:
    x = torch.randn(2, 8, 6, 4).to(memory_format=torch.channels_last).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = Strips(8)(x)
    assert result.dtype == torch.bfloat16
    assert result.is_contiguous(memory_format=torch.channels_last)
