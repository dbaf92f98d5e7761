package msteams

import (
	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/contrib/sim/teams"
)

// talks is what people do with chats in Teams' programs. The one with oneself is on no page of Graph.
func (s *suiteService) talks() bridgetest.Talks {
	chat := func(c bridge.ConversationID) *teams.Channel { return s.channel(c) }
	return bridgetest.Talks{
		NoSelf: true,
		Open: func(who ...bridgetest.Who) bridge.ConversationID {
			var all []*teams.User
			for _, one := range who {
				all = append(all, s.user(one))
			}
			return bridge.ConversationID{Server: bridge.ServerID("msteams:" + s.tenant.ID), Channel: bridge.ChannelID(s.tenant.AddChat(all...).ID)}
		},
		Join: func(c bridge.ConversationID, who bridgetest.Who) {
			s.must(s.sim.AddToChat(chat(c), s.alice, s.user(who), false))
		},
		Leave: func(c bridge.ConversationID, who bridgetest.Who) {
			s.must(s.sim.RemoveFromChat(chat(c), s.user(who), s.user(who)))
		},
		Retitle: func(c bridge.ConversationID, topic string) { s.must(s.sim.RenameChat(chat(c), s.alice, topic)) },
		Reads: func(_ bridge.ConversationID, f bridge.File, who bridgetest.Who) bool {
			return s.sim.CanRead(s.user(who), f.URL)
		},
	}
}
