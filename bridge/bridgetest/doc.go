// Package bridgetest holds the laws that every bridge must pass.
//
// A bridge's own test implements [Service], the test's handle on one chat service behind that bridge, and calls [Run].
// Each law is a subtest whose name says what it proves; it gets a fresh Service, acts in it as people do, lets faults
// happen, and compares what the bridge reports and does with what people said and see.
//
// The suite never sleeps for a fixed time: whatever it expects must come true within [Service.Within]. That something
// does not happen is proven by something said later that has arrived. So the same laws run against a service in
// memory under fake time ([FakeTime]), a stand-in that is polled, and a real server behind a proxy.
//
// That the laws can fail is proven too: this package's tests break memory in one way at a time.
package bridgetest
