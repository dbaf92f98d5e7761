package gateway

import (
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Keys of log lines. With keyMessage its whole journey is found, from when it was taken in; it is the number in the address of its page
// on the dashboard. keyInstance is the number by which `causeway quarantine` calls one of its instances, keyID the id that a service gave.
const (
	keyMessage      = "message"
	keyInstance     = "instance"
	keyConversation = "conversation"
	keyChannel      = "channel"
	keyAs           = "as"
	keyTo           = "to"
	keyID           = "id"
	keyStep         = "step"
	keyPart         = "part"
	keyResult       = "result"
)

// of is a log for an instance that lacks something.
func of(log *logrus.Entry, w *store.Work) *logrus.Entry {
	return log.WithFields(logrus.Fields{keyMessage: w.Message.Number(), keyInstance: w.Instance})
}

func tracing(log *logrus.Entry) bool { return log.Logger.IsLevelEnabled(logrus.DebugLevel) }

// taken follows messages from when they are on disk.
func (p *place) taken(all []store.Made) {
	if !tracing(p.account.log) {
		return
	}
	for _, m := range all {
		p.account.log.WithFields(logrus.Fields{keyMessage: m.Number, keyConversation: m.Conversation.String(), keyID: string(m.ID)}).Debug("taken in")
	}
}

// trace follows a message through the steps of a lane.
func (l *lane) trace(o *store.Outcome, err error) {
	if o.Work.Instance == 0 || !tracing(l.log) {
		return
	}
	fields := logrus.Fields{keyStep: tried[o.Step.Op], keyPart: o.Step.Part, keyResult: "ok"}
	switch {
	case err != nil:
		fields[keyResult] = bridge.KindOf(err).String()
		fields[logrus.ErrorKey] = bridge.Cause(err)
	case o.Verdict == store.Absent:
		fields[keyResult] = "not there"
	}
	id := o.Step.ID
	if len(o.IDs) > 0 {
		id = o.IDs[0]
	}
	if id != "" {
		fields[keyID] = string(id)
	}
	of(l.log, o.Work).WithFields(fields).Debug("a step of a message")
}
