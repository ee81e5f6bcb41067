"""Where tasks come from: readers of seeds and benchmarks, generation, tests."""
