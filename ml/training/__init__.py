"""Fits a network to labelled images."""

from ml.training.fitting import fit
from ml.training.frozen import fit_head
from ml.training.recipes import RECIPES, Recipe, recipe_of

__all__ = ["RECIPES", "Recipe", "fit", "fit_head", "recipe_of"]
