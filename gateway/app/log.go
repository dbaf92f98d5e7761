package app

import (
	"io"

	"github.com/sirupsen/logrus"

	"causeway/gateway/config"
)

// The keys of log lines.
const (
	keyAccount  = "account"
	keyVersion  = "version"
	keyGateways = "gateways"
	keyAccounts = "accounts"
	keyListen   = "listen"
	// keyProcess is another instance, which journal.go does not mean by "instance".
	keyProcess       = "process"
	keyConversations = "conversations"
)

// newLog writes to w as [general] says. Text is coloured on a terminal only.
func newLog(w io.Writer, g config.General) *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(w)
	logger.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	if g.LogFormat == "json" {
		logger.SetFormatter(&logrus.JSONFormatter{})
	}
	if level, err := logrus.ParseLevel(g.LogLevel); err == nil { // the config has checked it
		logger.SetLevel(level)
	}
	return logrus.NewEntry(logger)
}

// noLog is for commands that print what they have to say.
func noLog() *logrus.Entry { return newLog(io.Discard, config.General{LogLevel: "error"}) }
