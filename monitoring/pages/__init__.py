"""The monitor's pages: server-rendered, read only."""
