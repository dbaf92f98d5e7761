package causeway

import (
	_ "github.com/BurntSushi/toml"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/gorilla/websocket"
	_ "github.com/hashicorp/golang-lru/v2"
	_ "github.com/mattermost/mattermost/server/public/model"
	_ "github.com/microsoftgraph/msgraph-sdk-go/models"
	_ "github.com/microsoftgraph/msgraph-sdk-go/teams"
	_ "github.com/microsoftgraph/msgraph-sdk-go/users"
	_ "github.com/microsoft/kiota-http-go"
	_ "github.com/microsoft/kiota-abstractions-go"
	_ "github.com/microsoft/kiota-serialization-json-go"
	_ "github.com/sirupsen/logrus"
	_ "github.com/yuin/goldmark"
	_ "golang.org/x/net/html"
	_ "golang.org/x/oauth2"
	_ "golang.org/x/oauth2/clientcredentials"
	_ "golang.org/x/sync/errgroup"
	_ "github.com/golang-jwt/jwt/v5"
	_ "modernc.org/sqlite"
)
