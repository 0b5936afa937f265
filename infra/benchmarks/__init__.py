"""Our figures beside those of bare peers: same files, same run, in turns. The command is infra/bench."""
