raise SystemExit("this release cannot start")
