"""Writes docs/reference/ from the code: `python -m scripts.reference`. tests/unit/test_docs.py compares."""
