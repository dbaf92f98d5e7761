package app

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
)

// supervised tells systemd, where that has started Causeway with Type=notify, that Causeway is ready, as long as it is alive.
// alive must return when its context ends; without an answer from it in time systemd starts Causeway anew.
func supervised(ctx context.Context, alive func(context.Context) error, log *logrus.Entry) {
	tell(daemon.SdNotifyReady, log)
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.WithError(err).Warn("systemd's watchdog is not told that Causeway is alive: mend WatchdogSec in the unit")
	}
	if limit == 0 {
		<-ctx.Done()
		return
	}
	beat := time.NewTicker(limit / 3)
	defer beat.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, limit/3)
		if alive(asked) == nil {
			tell(daemon.SdNotifyWatchdog, log)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

func tell(state string, log *logrus.Entry) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.WithError(err).Debug("telling systemd how Causeway is")
	}
}
