"""Hydra plugins of gan_lab: a launcher with one process per trial, and an Optuna search."""
