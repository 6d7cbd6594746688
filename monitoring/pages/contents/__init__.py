"""What each page shows, from the store's values: pure, but for what they read."""
