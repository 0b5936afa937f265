"""What runs in a process of its own with the environment of the measured stack; answers in JSON."""
