package main

import (
	"slices"
	"testing"
)

func TestIdleFiguresAreThoseOfTheTest(t *testing.T) {
	const output = `{"Action":"run","Package":"causeway/bridge/msteams","Test":"TestIdleCalls/rich_1"}
{"Action":"attr","Package":"causeway/bridge/msteams","Test":"TestIdleCalls/rich_1","Key":"calls","Value":"1.417"}
{"Action":"output","Package":"causeway/bridge/msteams","Test":"TestIdleCalls/rich_1","Output":"=== ATTR calls 9\n"}
{"Action":"attr","Package":"causeway/bridge/msteams","Test":"TestIdleCalls/poll_20","Key":"counted","Value":"120.002"}
{"Action":"attr","Package":"causeway/bridge/msteams","Test":"TestOther/poll_20","Key":"counted","Value":"1"}
`
	want := []idleFigure{{rich: true, channels: 1, perHour: 1.417}, {channels: 20, counted: true, perHour: 120.002}}
	got, err := idleFigures(output)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for name, output := range map[string]string{
		"nothing":     "",
		"no JSON":     "ok",
		"no number":   `{"Action":"attr","Test":"TestIdleCalls/rich_1","Key":"calls","Value":"many"}`,
		"no channels": `{"Action":"attr","Test":"TestIdleCalls/rich_99999999999999999999","Key":"calls","Value":"1"}`,
	} {
		if got, err := idleFigures(output); err == nil {
			t.Errorf("%s: %+v and no error", name, got)
		}
	}
}
