"""Hyper-parameter search: a study of trials, and what its log says of each."""
