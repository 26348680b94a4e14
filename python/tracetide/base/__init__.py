"""What every layer may use: units and times, errors, numbers for people."""
