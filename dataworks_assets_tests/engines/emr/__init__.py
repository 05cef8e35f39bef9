"""Tests of the EMR engine."""
