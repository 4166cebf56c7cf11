"""Causal graphs over labels, structural models with exact answers, and the samples both give."""

from kgan.causal.graphs import CausalGraph, graph
from kgan.causal.label_noise import LabelNoise
from kgan.causal.sampling import LabelSamples
from kgan.causal.structural import PolynomialModel, StructuralModel, structural_model

__all__ = ["CausalGraph", "LabelNoise", "LabelSamples", "PolynomialModel", "StructuralModel", "graph", "structural_model"]
