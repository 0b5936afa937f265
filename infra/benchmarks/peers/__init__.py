"""What ours is compared with: each runs bare, with its best settings, on the same disk."""
