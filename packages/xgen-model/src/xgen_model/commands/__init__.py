"""The sub-commands of `xgen model`, one a module; heavy imports happen when a command runs."""
