package freeport_test

import (
	"net"
	"testing"

	"causeway/gateway/web/freeport"
)

// TestNobodyElseGetsThePort: it can be listened on, and lies below those that connections get.
func TestNobodyElseGetsThePort(t *testing.T) {
	given := map[string]bool{}
	for range 1000 {
		address, err := freeport.Address()
		if err != nil {
			t.Fatal(err)
		}
		if given[address] {
			t.Errorf("%s was given twice", address)
		}
		given[address] = true
		l, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		if port := l.Addr().(*net.TCPAddr).Port; port >= 32768 { // where Linux begins
			t.Errorf("port %d is one that connections get", port)
		}
		_ = l.Close()
	}
}
