package mattermost

import (
	"context"
	"fmt"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// wholeRead is the mark behind any reading. The server cannot be asked who has changed since a time, only who is deactivated, and those are all that a later
// reading tells: whoever is active again shows at the next look at them, and whoever was erased is missing in the next reading that begins anew.
const wholeRead = "whole"

// Directory lists all users, and those who are deactivated later on: a request for each 200. The pages go by user name, so whoever is renamed meanwhile may
// be missed.
func (a *account) Directory(ctx context.Context, since string, found func([]bridge.Profile) error) (string, error) {
	_, config, err := a.self()
	if err != nil {
		return "", err
	}
	path := "/users"
	switch since {
	case "":
	case wholeRead:
		path += "?inactive=true"
	default:
		return "", gone("reading the directory: the mark %q is not of this bridge", since)
	}
	for list, err := range pages[*model.User](ctx, a.client, path) {
		if err != nil {
			return "", fmt.Errorf("reading the directory: %w", lacking(err, model.PermissionViewMembers.Id))
		}
		var some []bridge.Profile
		for _, u := range list {
			some = append(some, profileOf(u, config))
		}
		if len(some) > 0 {
			if err := found(some); err != nil {
				return "", err
			}
		}
	}
	return wholeRead, nil
}
