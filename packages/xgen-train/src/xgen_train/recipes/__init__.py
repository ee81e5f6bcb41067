"""Published recipes: functions that return a `TrainRecipe`."""
