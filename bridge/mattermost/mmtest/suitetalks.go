package mmtest

import (
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
)

// talks is what people do with direct and group channels. Who is in a group never changes.
func (s *service) talks() bridgetest.Talks {
	return bridgetest.Talks{
		Open: func(who ...bridgetest.Who) bridge.ConversationID {
			s.t.Helper()
			var ids []string
			for _, one := range who {
				ids = append(ids, s.member(one).ID)
			}
			kind := "direct"
			switch len(ids) {
			case 1:
				ids = append(ids, ids[0])
			case 2:
			default:
				kind = "group"
			}
			var c model.Channel
			s.do(s.member(who[0]).Token, "POST", "/channels/"+kind, ids, &c)
			return bridge.ConversationID{Server: s.Server, Channel: bridge.ChannelID(c.Id)}
		},
		Retitle: func(c bridge.ConversationID, topic string) {
			s.t.Helper()
			s.do(s.Alice.Token, "PUT", "/channels/"+string(c.Channel)+"/patch", map[string]string{"header": topic}, nil)
		},
		Reads: func(_ bridge.ConversationID, f bridge.File, who bridgetest.Who) bool {
			s.t.Helper()
			status, _ := s.fetchAs(s.member(who).Token, "/files/"+f.ID)
			return status == http.StatusOK
		},
	}
}
