"""Sub-commands of the run time. Each module has a ``COMMANDS`` table that ``cli`` reads."""
