"""What most commands import, and nothing that a test wants to see imported."""
# ruff: noqa: F401

import gc

import matplotlib.pyplot
import scipy.stats
import sklearn.linear_model
import torch._dynamo
import torch.utils.tensorboard

import agents.commands.compare
import agents.commands.pick
import agents.comparison.gallery
import agents.comparison.report
import agents.stable_baselines.policies
import data.commands.extract

gc.freeze()  # or each process would copy the memory in which collections leave marks
