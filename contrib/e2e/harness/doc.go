// Package harness gives tests a real Mattermost server on a throw-away PostgreSQL, a proxy that cuts connections, and
// the causeway command as a process that can be killed.
//
// A test package shares one server among its tests, which is what most of them want: starting one takes seconds, and
// teams and channels keep tests apart.
//
//	func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		mm := harness.Shared(t).Mattermost
//		team := mm.CreateTeam(t)
//		anna := mm.CreateUser(t, "anna", team)
//		town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna)
//		anna.Post(t, town, "hello")
//	}
//
// A test that stops or restarts the server starts its own, on the shared cluster:
//
//	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres})
//
// Everything that is started belongs to the test that started it and is gone when that test is over. Should the test
// process itself die, the kernel ends its children (PR_SET_PDEATHSIG, hence Linux only), and the next start removes the
// folders that it left. With E2E_KEEP=1 in the environment the folders, and the logs in them, stay.
package harness
