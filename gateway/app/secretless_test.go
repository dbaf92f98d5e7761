package app

import (
	"strings"
	"testing"
)

// TestCommandsThatOnlyNeedTheStoreDoWithoutTheServicesEnvironment, as in a shell beside a systemd unit with an EnvironmentFile.
func TestCommandsThatOnlyNeedTheStoreDoWithoutTheServicesEnvironment(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.run().stop()
	w.write("config.toml", "[dashboard]\nToken = \"env:CAUSEWAY_TEST_UNSET\"\n"+accounts+oneGateway)
	for command, want := range map[string]result{
		"quarantine list":     {out: "Nothing is in quarantine.\n"},
		"audit":               {out: "Nothing has been done by hand yet.\n"},
		"people export --csv": {out: w.call("people", "export", "--csv").out},
	} {
		w.call(strings.Fields(command)...).wants(t, want)
	}
	if got := w.call("message", "nothing"); got.code != 1 || !strings.Contains(got.errors, "no such message was read") {
		t.Errorf("message: %+v", got)
	}
	if got := w.call("store", "check"); got.code != 0 {
		t.Errorf("store check: %+v", got)
	}
	const lacking = "the environment variable CAUSEWAY_TEST_UNSET is not set"
	if got := w.call("run"); got.code != 1 || !strings.Contains(got.errors, lacking) {
		t.Errorf("run: %+v", got)
	}
	w.write("config.toml", "[storage]\nKey = \"env:CAUSEWAY_TEST_UNSET\"\n"+accounts+oneGateway)
	if got := w.call("audit"); got.code != 1 || !strings.Contains(got.errors, lacking) {
		t.Errorf("without the key of the store: %+v", got)
	}
}
