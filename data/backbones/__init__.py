"""Backbones: frozen networks that turn clips of frames into features."""

from data.backbones.backbone import Backbone
from data.backbones.build import build_backbone
from data.backbones.specification import LOG_MEL, Specification, parse_specification

__all__ = ["LOG_MEL", "Backbone", "Specification", "build_backbone", "parse_specification"]
