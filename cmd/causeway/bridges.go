package main

// The chat services of this build: one line each.
import (
	_ "causeway/bridge/mattermost"
	_ "causeway/bridge/msteams"
)
