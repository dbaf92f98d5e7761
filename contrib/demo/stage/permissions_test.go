package stage_test

import (
	"slices"
	"testing"

	"causeway/bridge/msteams"
	"causeway/contrib/demo/stage"
)

// TestTheAppIsGrantedWhatTheBridgeCalls compares with what the bridge says of itself.
func TestTheAppIsGrantedWhatTheBridgeCalls(t *testing.T) {
	var roles, scopes []string
	for _, op := range msteams.Operations() {
		if op.Delegated() {
			scopes = append(scopes, op.Permission)
		} else {
			roles = append(roles, op.Permission)
		}
	}
	for name, lists := range map[string][2][]string{"application": {roles, stage.Roles}, "delegated": {scopes, stage.Scopes}} {
		for _, list := range lists {
			slices.Sort(list)
		}
		if needed, granted := slices.Compact(lists[0]), lists[1]; !slices.Equal(needed, granted) {
			t.Errorf("%s permissions: the bridge needs %v, the demonstration grants %v", name, needed, granted)
		}
	}
}
