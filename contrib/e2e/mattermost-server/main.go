// Command mattermost-server is the Mattermost server itself (Team Edition, without the enterprise code), built from its
// Go module at the version that go.mod pins.
//
// It is a module of its own so that its several hundred dependencies are exactly those that the server was released
// with: neither do they bend the versions of the product, nor does a change of the product's versions make it necessary
// to build the server, which takes minutes, again.
package main

import (
	"os"

	// Both register themselves with the server, which does not start without the built-in slash commands.
	_ "github.com/mattermost/mattermost/server/v8/channels/app/oauthproviders/gitlab"
	_ "github.com/mattermost/mattermost/server/v8/channels/app/slashcommands"
	"github.com/mattermost/mattermost/server/v8/cmd/mattermost/commands"
)

func main() {
	if err := commands.Run(os.Args[1:]); err != nil {
		os.Exit(1)
	}
}
